"""The forms in which a report is written."""

from haldir_auditor._reports.cyclonedx import to_cyclonedx
from haldir_auditor._reports.fingerprint import fingerprint
from haldir_auditor._reports.openvex import to_openvex
from haldir_auditor._reports.sarif import to_sarif
from haldir_auditor._reports.text import to_text
from haldir_auditor._reports.wire import to_json

__all__ = ["fingerprint", "to_cyclonedx", "to_json", "to_openvex", "to_sarif", "to_text"]

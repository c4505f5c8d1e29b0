"""The SARIF 2.1.0 form of what came of scans, as code scanning services read it.

Source: OASIS SARIF 2.1.0; GitHub's page "SARIF support for code scanning" for what that service reads and its limits.
"""

from haldir_scanner._reports._sarif._log import MAX_RESULTS, to_sarif

__all__ = ["MAX_RESULTS", "to_sarif"]

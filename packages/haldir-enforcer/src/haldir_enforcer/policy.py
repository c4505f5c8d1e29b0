"""What a skill may do on this machine, compiled from its declared permissions."""

from haldir_enforcer._policy.addresses import is_private
from haldir_enforcer._policy.asking import may_execute, may_read, may_write
from haldir_enforcer._policy.compiling import compile_policy, granting
from haldir_enforcer._policy.explaining import explain
from haldir_enforcer._policy.hosts import match_address, match_host
from haldir_enforcer._policy.profiles import PROFILES, detect_profiles
from haldir_enforcer._policy.records import HostRule, PathRule, Policy, Program

__all__ = [
    "PROFILES",
    "HostRule",
    "PathRule",
    "Policy",
    "Program",
    "compile_policy",
    "detect_profiles",
    "explain",
    "granting",
    "is_private",
    "match_address",
    "match_host",
    "may_execute",
    "may_read",
    "may_write",
]

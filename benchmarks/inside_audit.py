"""Look packages up or audit a folder in this process, warm; print CPU seconds: of a package (`look-up`), or in all."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from haldir_auditor import Package, audit
from haldir_auditor.supply import Ecosystem
from haldir_auditor.vulnerabilities.offline import OfflineDatabase

what, database, *rest = sys.argv[1:]
source = OfflineDatabase.open(Path(database))
source.look_up([Package(Ecosystem.NPM, "warm", "1.0.0"), Package(Ecosystem.PYPI, "warm", "1.0")])
if what == "look-up":
    ecosystem, begin, count, version = rest
    packages = [Package(Ecosystem(ecosystem), f"{begin}{number}", version) for number in range(int(count))]
    started = time.process_time()
    answer = source.look_up(packages)
    spent = (time.process_time() - started) / len(packages)
else:
    started = time.process_time()
    report = audit(Path(rest[0]), source=source, now=datetime(2026, 11, 1, tzinfo=UTC))
    spent = time.process_time() - started
    if not report.complete or not report.counts["locked"]:
        sys.exit(f"the audit is not complete: {report.not_checked[:3]}")
print(spent)

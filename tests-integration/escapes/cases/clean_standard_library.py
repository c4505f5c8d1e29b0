"""It imports much of the standard library and uses some of it."""

import asyncio
import decimal
import email.message
import json
import locale
import logging
import os
import sqlite3
import ssl
import subprocess
import urllib.request
import zoneinfo

logging.getLogger("a").info("%s", [subprocess, urllib.request, ssl, email.message])
locale.setlocale(locale.LC_ALL, "C.UTF-8")
asyncio.run(asyncio.sleep(0))
with sqlite3.connect(":memory:") as database:
    database.execute("create table t (x)")
print(json.dumps(str(decimal.Decimal(1) / 3)), zoneinfo.ZoneInfo, os.cpu_count(), os.path.expanduser("~"))
print("DONE")

#!/usr/bin/env node
// Format a JSON file with sorted keys and two blanks of indentation.
import { readFile } from "node:fs/promises";

/** The same value with the keys of every object in alphabetical order. */
function sorted(value) {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  if (value !== null && typeof value === "object") {
    const keys = Object.keys(value).sort();
    return Object.fromEntries(keys.map((key) => [key, sorted(value[key])]));
  }
  return value;
}

/** "line:column" of an offset, both counted from 1. */
function place(text, offset) {
  const before = text.slice(0, offset).split("\n");
  return `${before.length}:${before.at(-1).length + 1}`;
}

const check = process.argv[2] === "--check";
const file = process.argv[check ? 3 : 2];
if (file === undefined) {
  console.error("usage: format.mjs [--check] FILE");
  process.exit(2);
}

const text = await readFile(file, "utf8");
try {
  const formatted = `${JSON.stringify(sorted(JSON.parse(text)), null, 2)}\n`;
  if (check) {
    process.exitCode = formatted === text ? 0 : 1;
  } else {
    process.stdout.write(formatted);
  }
} catch (error) {
  const offset = /position (\d+)/.exec(error.message);
  const where = offset === null ? "?" : place(text, Number(offset[1]));
  console.error(`${file}:${where}: ${error.message}`);
  process.exitCode = 1;
}

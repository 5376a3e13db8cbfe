#!/usr/bin/env python3
"""Checks what no compiler checks: who includes whom, sizes, names, determinism.

Usage: tidy.py ROOT. Prints one line a finding, "file:line: rule: what", and exits 1 if there is any.
The rules are the tables below; docs/architecture.md says why each one stands.
"""

import os
import re
import sys

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100

CODE = (".h", ".cc")
COUNTED = CODE + (".proto", ".bzl", ".py", ".ts", ".tsx", ".sh")

# A room, and the rooms that its files may include. The first prefix that fits a file decides.
ROOMS = [
    ("proto/", []),
    ("common/base/", ["common/base/"]),
    ("common/manifest/", ["common/base/", "common/manifest/"]),
    ("common/render/", ["common/base/", "common/manifest/", "common/render/"]),
    ("common/charts/", ["common/base/", "common/manifest/", "common/render/", "common/charts/"]),
    ("common/config/", ["common/base/", "common/charts/", "common/expression/", "common/manifest/",
                        "common/render/", "common/config/", "common/trust/allowed_signers.h"]),
    ("common/plan/", ["common/base/", "common/config/", "common/manifest/", "common/plan/"]),
    ("common/audit/chain", ["common/audit/chain.h", "common/base/", "common/manifest/"]),
    ("common/", ["common/"]),
    ("hub/core/", ["hub/core/", "common/base/", "common/manifest/", "common/render/",
                   "common/config/", "common/plan/", "common/trust/", "common/store/store.h",
                   "common/audit/chain.h"]),
    ("agent/core/", ["agent/core/", "agent/cluster/cluster_driver.h",
                     "agent/cluster/noticeboard.h", "agent/health/", "common/base/",
                     "common/manifest/", "common/plan/rails.h", "common/render/",
                     "common/trust/", "common/store/store.h"]),
    ("hub/", ["hub/", "common/"]),
    ("agent/", ["agent/", "common/"]),
    ("cli/", ["cli/", "common/"]),
    ("test/", ["test/", "hub/", "agent/", "cli/", "common/"]),
]

# A foreign library's headers, and the only files that may include them.
DOORS = [
    (r"yaml\.h$", r"common/manifest/yaml\.cc$"),
    (r"yaml-cpp/", r"common/manifest/yaml_second_reader\.cc$"),
    (r"git2", r"hub/source/libgit2\w*\.(h|cc)$"),
    (r"rocksdb/", r"common/store/rocksdb_\w+\.(h|cc)$"),
    (r"openssl/", r"(common/trust/\w+\.(h|cc)|common/base/digest\.cc|common/secrets/cipher\.cc"
                  r"|common/net/(tls|hub_root)\.cc|hub/credentials\.cc"
                  r"|hub/source/known_hosts\.cc|hub/http/http_server\.cc|agent/kube/tls_stream\.cc)$"),
    (r"boost/", r"hub/http/http_server\.cc$"),
    (r"nghttp2/", r"agent/kube/http2_connection\.cc$"),
    (r"(grpc|grpcpp)/", r"(common/net/\w+|hub/rpc/\w+|hub/join/\w+|agent/rpc/\w+|cli/hub_client"
                        r"|hub/main|agent/main)\.(h|cc)$"),
    (r".*\.grpc\.pb\.h$", r"(common/net/\w+|hub/rpc/\w+|hub/join/\w+|agent/rpc/\w+"
                          r"|cli/hub_client)\.(h|cc)$"),
    (r"seccomp\.h", r"common/sandbox/sandbox\w*\.cc$"),
    (r"nlohmann/", r"cli/.*\.(h|cc)$"),
    (r"CLI/", r"(cli/.*|hub/main|agent/main)\.(h|cc)$"),
    (r"spdlog/", r"common/base/log\.cc$"),
    (r"re2/", r"common/(render/(patch|kustomize/(dotted_path|selector|workload_stages))"
              r"|secrets/sops)\.cc$"),
    (r"zstd\.h", r"common/base/compression\.cc$"),
    (r"zlib\.h", r"(common/charts/archive|hub/http/gzip)\.cc$"),
    (r"curl/", r"hub/source/https\.cc$"),
]

# What may not stand in a core, nor in the pure rooms of common: it would not run twice alike.
PURE = re.compile(r"^(hub/core|agent/core|agent/health|common/expression|common/manifest|common/render|common/charts|common/config|common/plan)/")
IMPURE = [
    (r"\babsl::Now\b|\bsystem_clock\b|\bsteady_clock\b|\btime\(", "reads a clock"),
    (r"\brandom_device\b|\bSystemRandom\b|\brand\(", "draws random numbers by itself"),
    (r"\bstd::thread\b|<thread>|\bMutex\b|<mutex>|<atomic>", "knows of threads"),
    (r"\bunordered_(map|set)\b|\b(flat|node)_hash_(map|set)\b", "iterates in no fixed order"),
    (r"<fstream>|<filesystem>|\bfopen\(|<unistd\.h>|<fcntl\.h>", "touches files"),
    (r"\b(double|float)\b", "computes with floating point"),
    (r"#include \"common/base/(clock|log)\.h\"", "logs or reads a clock"),
]

# Where a number's canonical spelling goes through a double, because RFC 8785 defines it so.
FLOATING = re.compile(r"common/manifest/number\.cc$")

BAD_NAME = re.compile(r"(^|_)(util|utils|helper|helpers|manager|misc|impl)(_|\.|$)")
LOOSE_END = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!\([^)]+\))")


def is_test(path):
    return path.startswith("test/") or re.search(r"_(test|conformance|fixture|fuzz)\.(h|cc)$", path)


def strip(text):
    """The text with comments, strings and characters blanked, each line where it was."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)

    def blank(match):
        whole = match.group(0)
        if whole[0] == "'" and match.start() and text[match.start() - 1].isalnum():
            return whole  # a digit separator
        return re.sub(r"[^\n]", " ", whole)

    return pattern.sub(blank, text)


def functions(text):
    """Yields (first line, last line, name) of each function body, outermost ones only."""
    text = strip(text)
    text = re.sub(r"(?m)^\s*#(.*\\\n)*.*$", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)
    stack = []  # (is function, line of its head, name)
    head = 0    # where the current declaration starts
    for match in re.finditer(r"[{};]", text):
        at, sign = match.start(), match.group(0)
        if sign == "{":
            before = text[head:at]
            inside = any(entry[0] for entry in stack)
            called = re.search(r"([\w:~]+)\s*\(", before)
            scope = re.match(r"\s*(namespace|(template\s*<.*>\s*)?(class|struct|union|enum)|extern)\b",
                             before, re.S)
            is_function = bool(called) and not scope and not inside and "=" not in before.split(
                "(")[0].replace("operator=", "").replace("==", "")
            line = text.count("\n", 0, head + len(before) - len(before.lstrip())) + 1
            stack.append((is_function, line, called.group(1) if called else ""))
        elif sign == "}" and stack:
            is_function, line, name = stack.pop()
            if is_function:
                yield line, text.count("\n", 0, at) + 1, name
        head = at + 1


def room_of(path):
    for prefix, allowed in ROOMS:
        if path.startswith(prefix):
            return prefix, allowed
    return None, None


def check_includes(path, lines):
    prefix, allowed = room_of(path)
    for number, line in enumerate(lines, 1):
        include = re.match(r'\s*#include ["<]([^">]+)[">]', line)
        if not include:
            continue
        header = include.group(1)
        ours = re.match(r"(proto|common|hub|agent|cli|test)/", header)
        if ours and prefix and not is_test(path):
            if not header.startswith("proto/") and not any(header.startswith(a) for a in allowed):
                yield number, "include", f"{prefix} may not include {header}"
        if ours and is_test(path) and not path.startswith("test/"):
            side = path.split("/")[0]
            if side in ("hub", "agent", "cli", "common") and ours.group(1) not in (
                    side, "common", "proto", "test"):
                yield number, "include", f"a test of {side}/ may not include {header}"
        for pattern, door in DOORS:
            if re.match(pattern, header) and not ours_is_door(path, door):
                yield number, "door", f"{header} belongs behind {door}"


def ours_is_door(path, door):
    return re.match(door, path) or is_test(path)


def check_pure(path, text):
    if not PURE.match(path) or is_test(path):
        return
    stripped = strip(text)
    for number, (line, raw) in enumerate(zip(stripped.split("\n"), text.split("\n")), 1):
        probe = raw if raw.startswith("#include") else line
        for pattern, what in IMPURE:
            if what == "computes with floating point" and FLOATING.match(path):
                continue
            if re.search(pattern, probe):
                yield number, "pure", f"{what}: {raw.strip()[:60]}"


def check_size(path, text, lines):
    if len(lines) > FILE_LINES_MAX:
        yield FILE_LINES_MAX, "size", f"{len(lines)} lines, at most {FILE_LINES_MAX}"
    if path.endswith(CODE):
        for first, last, name in functions(text):
            if last - first + 1 > FUNCTION_LINES_MAX:
                yield first, "size", (f"function {name} has {last - first + 1} lines, "
                                      f"at most {FUNCTION_LINES_MAX}")
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS_MAX and "http" not in line:
                yield number, "size", f"{len(line)} columns, at most {COLUMNS_MAX}"


def check_form(path, lines):
    if path.endswith(".h"):
        if "#pragma once" not in lines:
            yield 1, "form", "no #pragma once"
        if not lines or not lines[0].startswith("//"):
            yield 1, "form", "a header starts with what it is, when to use it, which thread"
    for number, line in enumerate(lines, 1):
        if LOOSE_END.search(line) and path != "test/tidy/tidy.py":
            yield number, "form", "a loose end without an issue: " + line.strip()[:60]
        if line != line.rstrip() and path.endswith(COUNTED):
            yield number, "form", "blanks at the end of the line"
    if BAD_NAME.search(os.path.basename(path)):
        yield 1, "name", "find the noun: no util, helper, manager, misc or impl"


def check_proto(path, lines):
    for number, line in enumerate(lines, 1):
        code = line.split("//")[0]
        if re.search(r"\bmap\s*<", code):
            yield number, "proto", "map<> has no order; use a sorted repeated message"
        if re.search(r"^\s*(repeated\s+)?(double|float)\b", code):
            yield number, "proto", "floating point is not signed, hashed or stored"


def check_file(path, text):
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    if path.endswith(COUNTED):
        yield from check_size(path, text, lines)
        yield from check_form(path, lines)
    if path.endswith(CODE):
        yield from check_includes(path, lines)
        yield from check_pure(path, text)
    if path.endswith(".proto"):
        yield from check_proto(path, lines)


def files(root):
    for folder, names, found in os.walk(root):
        names[:] = sorted(n for n in names
                          if not n.startswith((".", "bazel-")) and n not in ("node_modules", "dist"))
        for name in sorted(found):
            path = os.path.relpath(os.path.join(folder, name), root)
            if path.endswith(COUNTED):
                yield path


def main():
    root = sys.argv[1]
    findings = checked = 0
    for path in files(root):
        checked += 1
        with open(os.path.join(root, path), encoding="utf-8") as file:
            for line, rule, what in check_file(path, file.read()):
                print(f"{path}:{line}: {rule}: {what}")
                findings += 1
    print(f"{checked} files, {findings} findings")
    if checked < 20:
        sys.exit("tidy saw almost no files: is the root right?")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes hub/http/files.cc: the files given, which stand in web/dist, as bytes in C++."""

import os
import sys

LINE = 64


def literal(content):
    for start in range(0, max(len(content), 1), LINE):
        yield '    "' + "".join(f"\\{byte:03o}" for byte in content[start:start + LINE]) + '"'


def main():
    print('#include "hub/http/files.h"\n\nnamespace muster::hub {\n')
    print("const std::vector<WebFile>& WebFiles() {")
    print("  static const auto* const files = new std::vector<WebFile>{")
    for path in sorted(sys.argv[1:]):
        with open(path, "rb") as file:
            content = file.read()
        print(f'      {{"/{os.path.basename(path)}", absl::string_view(')
        print("\n".join(literal(content)) + f", {len(content)})}},")
    print("  };\n  return *files;\n}\n\n}  // namespace muster::hub")


if __name__ == "__main__":
    main()

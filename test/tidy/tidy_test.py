#!/usr/bin/env python3
"""Each rule of tidy.py finds what was planted, and lets the innocent neighbour pass."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tidy  # noqa: E402

HEADER = "// What it is.\n#pragma once\n"


def rules(path, text):
    return [rule for _, rule, _ in tidy.check_file(path, text)]


class Includes(unittest.TestCase):
    def test_hub_and_agent_never_meet(self):
        self.assertIn("include", rules("hub/hub.h", HEADER + '#include "agent/agent.h"\n'))
        self.assertIn("include", rules("agent/agent.h", HEADER + '#include "hub/hub.h"\n'))
        self.assertIn("include", rules("hub/a_test.cc", '#include "agent/agent.h"\n'))
        self.assertEqual([], rules("test/sim/world.h", HEADER + '#include "agent/agent.h"\n'))

    def test_common_knows_neither(self):
        self.assertIn("include", rules("common/base/x.h", HEADER + '#include "hub/hub.h"\n'))
        self.assertIn("include", rules("common/base/x.h", HEADER + '#include "common/net/tls.h"\n'))

    def test_nothing_includes_test(self):
        self.assertIn("include", rules("hub/hub.cc", '#include "test/sim/world.h"\n'))

    def test_a_core_sees_interfaces_only(self):
        self.assertIn("include", rules("hub/core/x.cc", '#include "common/store/rocksdb_store.h"\n'))
        self.assertIn("include", rules("hub/core/x.cc", '#include "hub/rpc/agent_service.h"\n'))
        self.assertIn("include", rules("agent/core/x.cc", '#include "agent/agent.h"\n'))
        self.assertEqual([], rules("hub/core/x.cc", '#include "common/store/store.h"\n'))
        self.assertEqual([], rules("agent/core/x.cc", '#include "agent/cluster/cluster_driver.h"\n'))

    def test_each_foreign_library_has_one_door(self):
        for header in ("yaml.h", "yaml-cpp/yaml.h", "git2.h", "rocksdb/db.h", "openssl/evp.h",
                       "grpcpp/grpcpp.h", "proto/agent_service.grpc.pb.h", "seccomp.h",
                       "nlohmann/json.hpp", "boost/beast.hpp", "zlib.h", "CLI/CLI.hpp", "spdlog/spdlog.h", "zstd.h"):
            self.assertIn("door", rules("hub/hub.cc", f"#include <{header}>\n"), header)
        self.assertEqual([], rules("common/manifest/yaml.cc", "#include <yaml.h>\n"))
        second = "#include <yaml-cpp/parser.h>\n"
        self.assertEqual([], rules("common/manifest/yaml_second_reader.cc", second))
        self.assertIn("door", rules("common/manifest/yaml.cc", second))


class Purity(unittest.TestCase):
    def test_a_core_has_no_clock_thread_file_or_chance(self):
        for line in ("auto t = absl::Now();", "std::random_device d;", "std::thread t;",
                     "absl::flat_hash_map<int, int> m;", "std::unordered_map<int, int> m;",
                     "double share = 0.5;", "#include <fstream>", "Mutex mutex_;"):
            self.assertIn("pure", rules("hub/core/x.cc", line + "\n"), line)
            self.assertNotIn("pure", rules("hub/rpc/x.cc", line + "\n"), line)

    def test_only_the_spelling_of_numbers_knows_floating_point(self):
        self.assertEqual([], rules("common/manifest/number.cc", "double value = 0;\n"))
        self.assertIn("pure", rules("common/manifest/value.cc", "double value = 0;\n"))

    def test_words_in_comments_and_strings_are_free(self):
        self.assertEqual([], rules("hub/core/x.cc", '// no absl::Now here\nauto s = "double";\n'))


class Sizes(unittest.TestCase):
    def test_a_file_has_at_most_500_lines(self):
        self.assertEqual([], rules("hub/x.cc", "int a;\n" * 500))
        self.assertIn("size", rules("hub/x.cc", "int a;\n" * 501))

    def test_a_function_has_at_most_70_lines(self):
        body = "  x();\n"
        self.assertEqual([], rules("hub/x.cc", "void F() {\n" + body * 68 + "}\n"))
        self.assertIn("size", rules("hub/x.cc", "void F() {\n" + body * 69 + "}\n"))
        method = "class A {\n  int F(int a) const {\n" + body * 69 + "  }\n};\n"
        self.assertIn("size", rules("hub/x.cc", method))
        test = "TEST(Suite, Case) {\n" + body * 69 + "}\n"
        self.assertIn("size", rules("hub/x_test.cc", test))

    def test_a_class_or_namespace_may_be_longer(self):
        self.assertEqual([], rules("hub/x.cc", "namespace a {\n" + "int b;\n" * 90 + "}\n"))
        self.assertEqual([], rules("hub/x.cc", "class A {\n" + "  void F();\n" * 90 + "};\n"))

    def test_a_line_has_at_most_100_columns(self):
        self.assertIn("size", rules("hub/x.cc", "// " + "x" * 98 + "\n"))


class Form(unittest.TestCase):
    def test_headers_say_what_they_are_once(self):
        self.assertEqual(["form", "form"], rules("hub/x.h", "int a;\n"))

    def test_loose_ends_name_an_issue(self):
        self.assertIn("form", rules("hub/x.cc", "// TO" + "DO: later\n"))
        self.assertEqual([], rules("hub/x.cc", "// TO" + "DO(issue-4): Helm\n"))

    def test_names_are_nouns(self):
        self.assertIn("name", rules("hub/string_util.cc", "int a;\n"))
        self.assertEqual([], rules("hub/simple.cc", "int a;\n"))


class Protos(unittest.TestCase):
    def test_no_map_and_no_floating_point(self):
        self.assertIn("proto", rules("proto/a.proto", "  map<string, string> labels = 1;\n"))
        self.assertIn("proto", rules("proto/a.proto", "  double share = 1;\n"))
        self.assertEqual([], rules("proto/a.proto", "  repeated Label labels = 1;  // map<>\n"))


if __name__ == "__main__":
    unittest.main()

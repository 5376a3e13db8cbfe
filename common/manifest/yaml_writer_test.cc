// YAML out: what people see, and that every parser reads it back: ours, and yaml-cpp as a second
// opinion.
#include "common/manifest/yaml_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/manifest/json.h"
#include "common/manifest/utf8.h"
#include "common/manifest/yaml.h"
#include "common/manifest/yaml_scalar.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

// What yaml-cpp makes of a text without aliases: values, with plain scalars resolved by our rules.
class OtherReader : public YAML::EventHandler {
 public:
  static std::vector<Value> Read(const std::string& text) {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    OtherReader reader;
    while (parser.HandleNextDocument(reader)) {
    }
    return reader.documents_;
  }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override { Add(Value()); }
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override { FAIL() << "an alias was written"; }
  void OnScalar(const YAML::Mark&, const std::string& tag, YAML::anchor_t,
                const std::string& text) override {
    if (ExpectsKey()) {
      keys_.push_back(text);
      has_key_.back() = true;
      return;
    }
    Add(tag == "?" ? *ResolvePlainScalar(text) : Value(text));
  }
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    Open(Value::List());
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    Open(Value::Map());
  }
  void OnMapEnd() override { Close(); }

 private:
  bool ExpectsKey() const { return !open_.empty() && open_.back().is_map() && !has_key_.back(); }
  void Open(Value value) {
    open_.push_back(std::move(value));
    has_key_.push_back(false);
  }
  void Close() {
    Value value = std::move(open_.back());
    open_.pop_back();
    has_key_.pop_back();
    Add(std::move(value));
  }
  void Add(Value value) {
    if (open_.empty()) {
      documents_.push_back(std::move(value));
    } else if (open_.back().is_list()) {
      open_.back().list().push_back(std::move(value));
    } else {
      open_.back().map().Set(keys_.back(), std::move(value));
      keys_.pop_back();
      has_key_.back() = false;
    }
  }

  std::vector<Value> documents_;
  std::vector<Value> open_;
  std::vector<bool> has_key_;
  std::vector<std::string> keys_;
};

// Fails the test unless both readers give `value` back from what is written.
void ExpectReadsBack(const Value& value) {
  const std::string text = WriteYaml(value);
  const auto documents = ParseYaml(text, "written");
  ASSERT_TRUE(documents.ok()) << documents.status() << "\n" << text;
  if (value.is_null()) {
    ASSERT_TRUE(documents->empty());
    return;
  }
  ASSERT_EQ(documents->size(), 1u) << text;
  ASSERT_EQ((*documents)[0].value, value) << text << "\nas JSON: " << CanonicalJson(value);

  const std::vector<Value> other = OtherReader::Read(text);
  ASSERT_EQ(other.size(), 1u) << text;
  ASSERT_EQ(other[0], value) << text << "\nas JSON: " << CanonicalJson(value);
}

TEST(YamlWriter, PrintsLikeKubectl) {
  const Value value = *ParseJson(R"({
    "spec": {"ports": [{"port": 80, "name": "http"}, {"port": 443}], "nothing": null,
             "args": ["--verbose", "-v"], "none": [], "empty": {}, "nested": [[1, 2], [[]]]},
    "metadata": {"name": "web", "labels": {"app.kubernetes.io/name": "web", "on": "yes"}},
    "script": "#!/bin/sh\nset -e\n\n  echo hi\n", "half": "a\nb", "more": "a\n\n"})");
  EXPECT_EQ(WriteYaml(value), R"(half: |-
  a
  b
metadata:
  labels:
    app.kubernetes.io/name: web
    "on": "yes"
  name: web
more: |+
  a

script: |
  #!/bin/sh
  set -e

    echo hi
spec:
  args:
  - --verbose
  - -v
  empty: {}
  nested:
  - - 1
    - 2
  - - []
  none: []
  nothing: null
  ports:
  - name: http
    port: 80
  - port: 443
)");
  ExpectReadsBack(value);
}

// Text that some version of YAML, or some place in it, would take for something else.
// clang-format off
constexpr const char* kTreacherous[] = {
    "", "y", "N", "yes", "No", "on", "OFF", "true", "null", "Null", "~", "<<", "=", "1", "-1",
    "+1", "010", "0o10", "0x1F", "0b1", "1_000", "1,000", "1e3", "1.5", ".5", "1.", "-.5", ".inf",
    "-.INF", ".nan", "22:22", "1:30:00.5", "2020-01-01", "2020-01-01T00:00:00Z",
    "2001-12-14 21:59:43.10 -5", "- a", "-", "---", "--- a", "...", "? a", ":", "a:", "a: b",
    "a #b", "#a", "&a", "*a", "!a", "|", ">", "'a", "\"a", "%a", "@a", "`a", "[a", "{a", ",a",
    "]", " a", "a ", "\t", "a\tb", "a\rb", "\n", "\na", " a\nb", "a\n \nb", "a\n ", "\x7F",
    "\xC2\x85", "\xE2\x80\xA8", "\xEF\xBB\xBF", "\xEF\xBF\xBE",
};
// clang-format on

TEST(YamlWriter, QuotesWhatIsNotTextEverywhere) {
  for (const char* text : kTreacherous) {
    const std::string written = WriteYaml(Value::Map{{"k", text}});
    EXPECT_THAT(written, HasSubstr("k: \"")) << text;
    ExpectReadsBack(Value::Map{{"k", text}});
    ExpectReadsBack(Value::Map{{text, text}});
    ExpectReadsBack(Value::List{text, Value::List{text}});
    ExpectReadsBack(Value(text));
  }
}

TEST(YamlWriter, LeavesPlainWhatIsText) {
  for (const char* text :
       {"web",  "a b",      "nginx:1.25", "a#b",     "-v",     "--flag=x",  "100m",
        "1Gi",  "5s",       "v1.2",       "a-b_c.d", "/path",  "\xC3\xB6l", "\xF0\x9F\x98\x80",
        "it's", "a, b",     "x[0]",       "$(VAR)",  "<none>", "=x",        "~x",
        "a:b",  "8080-tcp", "no way",     "(a)",     "a\\b",   "\xC2\xA0"}) {
    EXPECT_EQ(WriteYaml(Value::Map{{"k", text}}), absl::StrCat("k: ", text, "\n"));
    ExpectReadsBack(Value::Map{{"k", text}});
    ExpectReadsBack(Value::Map{{text, text}});
    ExpectReadsBack(Value::List{text, Value::List{text}});
    ExpectReadsBack(Value(text));
  }
}

TEST(YamlWriter, SpellsNumbersForOldParsersToo) {
  EXPECT_EQ(
      WriteYaml(Value::List{Value::Number("1e3"), Value::Number("1e30"), Value::Number("1e-9"),
                            Value::Number("12345678901234567890"), Value::Number("-0.50")}),
      "- 1000\n- 1.0e+30\n- 1.0e-9\n- 12345678901234567890\n- -0.5\n");
}

TEST(YamlWriter, WritesKeysOfAnyLength) {
  const std::string key(5'000, 'k');
  ExpectReadsBack(Value::Map{{key, Value::List{1, Value::Map{{key, Value::Map{{"a", "b"}}}}}},
                             {key + ": ", "x\ny"},
                             {"short", 1}});
}

TEST(YamlWriter, SeparatesDocuments) {
  const std::vector<Value> documents = {Value::Map{{"a", "x\n\n"}}, Value::List{"b"}};
  EXPECT_EQ(WriteYamlStream(documents), "a: |+\n  x\n\n---\n- b\n");
  const auto read = *ParseYaml(WriteYamlStream(documents), "f");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].value, documents[0]);
  EXPECT_EQ(read[1].value, documents[1]);
  EXPECT_EQ(WriteYamlStream({}), "");
}

// Text made of what is special somewhere in YAML.
std::string RandomText(Random& random) {
  static const char* const kPieces[] = {"a",
                                        "b",
                                        " ",
                                        "  ",
                                        "\n",
                                        "\n\n",
                                        "\t",
                                        ":",
                                        ": ",
                                        "-",
                                        "- ",
                                        "#",
                                        " #",
                                        "'",
                                        "\"",
                                        "\\",
                                        "\\n",
                                        "{",
                                        "}",
                                        "[",
                                        "]",
                                        ",",
                                        "&",
                                        "*",
                                        "!",
                                        "|",
                                        ">",
                                        "%",
                                        "@",
                                        "`",
                                        "?",
                                        "? ",
                                        "0",
                                        "1",
                                        "1e3",
                                        "0x",
                                        ".",
                                        "...",
                                        "_",
                                        "+",
                                        "~",
                                        "yes",
                                        "n",
                                        "=",
                                        "<<",
                                        "null",
                                        "\r\n",
                                        "---",
                                        "\xC3\xB6",
                                        "\xE2\x80\xA8",
                                        "\xF0\x9F\x98\x80",
                                        "\xC2\x85",
                                        "\x01",
                                        "$"};
  std::string text;
  const uint64_t pieces = random.Below(7);
  for (uint64_t i = 0; i < pieces; ++i) {
    if (random.Below(20) == 0) {
      const auto any = static_cast<uint32_t>(random.Below(0x3000));
      AppendUtf8(any, text);
    } else {
      absl::StrAppend(&text, kPieces[random.Below(std::size(kPieces))]);
    }
  }
  return text;
}

Value RandomValue(Random& random, int depth) {
  switch (random.Below(depth == 0 ? 5 : 8)) {
    case 0:
      return Value();
    case 1:
      return Value(random.Below(2) == 0);
    case 2:
      return Value(static_cast<int64_t>(random.Next()));
    case 3: {
      const std::string digits = absl::StrCat(random.Below(1'000'000));
      return Value::Number(absl::StrCat(digits, ".", random.Below(1'000), "e",
                                        static_cast<int>(random.Below(80)) - 40));
    }
    case 4:
      return Value(RandomText(random));
    case 5: {
      Value::List list;
      const uint64_t size = random.Below(4);
      for (uint64_t i = 0; i < size; ++i) list.push_back(RandomValue(random, depth - 1));
      return list;
    }
    default: {
      Value::Map map;
      const uint64_t size = random.Below(4);
      for (uint64_t i = 0; i < size; ++i) {
        map.Set(RandomText(random), RandomValue(random, depth - 1));
      }
      return map;
    }
  }
}

TEST(YamlWriterProperty, WhatIsWrittenReadsBack) {
  SeededRandom random(4'711);
  for (int round = 0; round < 20'000 && !testing::Test::HasFatalFailure(); ++round) {
    ExpectReadsBack(RandomValue(random, 4));
  }
}

// The other writer, on the same values.
TEST(JsonProperty, WhatIsWrittenReadsBack) {
  SeededRandom random(815);
  for (int round = 0; round < 20'000; ++round) {
    const Value value = RandomValue(random, 4);
    const std::string json = CanonicalJson(value);
    ASSERT_EQ(*ParseJson(json), value) << json;
    ASSERT_EQ(CanonicalJson(*ParseJson(PrettyJson(value))), json);
  }
}

}  // namespace
}  // namespace muster

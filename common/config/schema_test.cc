// Holds the tables, the parser and the published schemas together: each field of the tables is
// tried in a declaration, and each schema file is compared with what the tables make.
#include "common/config/schema.h"

#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/config/config.h"
#include "common/config/findings.h"
#include "common/config/schema_json.h"
#include "common/manifest/json.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

constexpr char kSshKey[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

// Two values that a field accepts and that mean different things.
std::pair<Value, Value> Texts(const FieldSpec& field) {
  if (field.name == "url") return {"https://h/a", "https://h/b"};
  if (field.name == "commit") return {std::string(40, 'a'), std::string(40, 'b')};
  if (field.name == "paths") return {"/a", "/b"};
  if (field.name == "authors") return {"a@b", "*@c"};
  if (field.name == "ssh") return {absl::StrCat("a ", kSshKey), absl::StrCat("b ", kSshKey)};
  return {"one", "two"};
}

Value Minimal(const ObjectSpec& object);

std::pair<Value, Value> Samples(const FieldSpec& field) {
  std::pair<Value, Value> samples;
  switch (field.type) {
    case FieldType::kText:
      samples = Texts(field);
      break;
    case FieldType::kName:
      // Its own name must be new; those that it refers to must be there.
      samples = {"one", "two"};
      if (field.name == "name") samples = {"three", "four"};
      break;
    case FieldType::kBoolean:
      samples = {true, false};
      break;
    case FieldType::kDuration:
      samples = {"10s", "20s"};
      break;
    case FieldType::kBudget:
      samples = {1, "2%"};
      break;
    case FieldType::kChoice:
      samples = {field.choices.front().value, field.choices.front().value};
      if (field.choices.size() > 1 && field.choices[1].built)
        samples.second = field.choices[1].value;
      break;
    case FieldType::kLabels:
    case FieldType::kVariables:
    case FieldType::kNotes:
    case FieldType::kValues:
      samples = {Value::Map{{"a", "1"}}, Value::Map{{"a", "2"}}};
      break;
    case FieldType::kObject:
      samples = {Minimal(*field.object), Minimal(*field.object)};
      break;
  }
  if (field.list) return {Value::List{samples.first}, Value::List{samples.second}};
  return samples;
}

// An object with what it needs and no more; a NotIn needs values.
Value Minimal(const ObjectSpec& object) {
  Value::Map map;
  for (const FieldSpec& field : object.fields) {
    if (field.required) map.Set(std::string(field.name), Samples(field).first);
  }
  if (!object.exactly_one_of.empty()) {
    const std::string first(object.exactly_one_of.front());
    map.Set(first, Samples(*FindField(object, first)).first);
  }
  if (map.Contains("operator")) {
    map.Set("operator", "NotIn");
    map.Set("values", Value::List{"x"});
  }
  return map;
}

// Parses the declaration beside all that it may refer to; the errors' text when there are some.
std::string Parsed(const Value& declaration) {
  FileTree tree;
  for (const char* name : {"one", "two"}) {
    EXPECT_TRUE(tree.Add(absl::StrCat("r-", name, ".yaml"),
                         absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: Repository\n"
                                      "metadata: {name: ",
                                      name, "}\nspec: {url: 'https://h/a', ref: {branch: main}}\n"))
                    .ok());
    EXPECT_TRUE(
        tree.Add(absl::StrCat("c-", name, ".yaml"),
                 absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: Repository\n"
                              "metadata: {name: charts-",
                              name, "}\nspec: {type: helm, url: 'https://h/charts-", name, "'}\n"))
            .ok());
    EXPECT_TRUE(
        tree.Add(absl::StrCat("w-", name, ".yaml"),
                 absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: RolloutPlan\n"
                              "metadata: {name: ",
                              name, "}\nspec: {waves: [{name: all, clusterSelector: {}}]}\n"))
            .ok());
    EXPECT_TRUE(tree.Add(absl::StrCat("s-", name, ".yaml"),
                         absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: Signers\nmetadata: "
                                      "{name: ",
                                      name, "}\nspec: {ssh: '", name, " ", kSshKey, "'}\n"))
                    .ok());
    EXPECT_TRUE(tree.Add(absl::StrCat("p-", name, ".yaml"),
                         absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: Package\n"
                                      "metadata: {name: ",
                                      name, "}\nspec: {repository: one, path: .}\n"))
                    .ok());
  }
  EXPECT_TRUE(tree.Add("sample.yaml", CanonicalJson(declaration)).ok());
  const v1::FleetConfig config = ParseFleetConfig(tree, {.path = ""});
  if (config.errors_size() == 0) return config.DebugString();
  std::string errors;
  for (const v1::ConfigError& error : config.errors()) {
    absl::StrAppend(&errors, "error: ", ConfigErrorText(error), "\n");
  }
  return errors;
}

// What only a chart of a registry has takes values of its own.
std::pair<Value, Value> SamplesAt(absl::string_view pointer, const FieldSpec& field) {
  if (pointer == "/spec/helm/repository") return {"charts-one", "charts-two"};
  if (pointer == "/spec/helm/version") return {"1.2.3", "^1.2"};
  if (pointer == "/spec/helm/digest") {
    return {absl::StrCat("sha256:", std::string(64, 'a')),
            absl::StrCat("sha256:", std::string(64, 'b'))};
  }
  return Samples(field);
}

bool Fails(const std::string& parsed) { return absl::StartsWith(parsed, "error: "); }

// Visits every field of an object with a declaration in which the object stands at `at`.
class FieldWalk {
 public:
  void Object(const ObjectSpec& object, const Value& declaration, const std::string& at) {
    for (const FieldSpec& field : object.fields) {
      const std::string pointer = JoinPointer(at, field.name);
      Value base = declaration;
      for (const absl::string_view sibling : object.exactly_one_of) {
        const bool one_of = sibling == field.name;
        if (!one_of) continue;
        for (const absl::string_view other : object.exactly_one_of) {
          base.Remove(JoinPointer(at, other));
        }
      }
      ++fields;
      const bool registry =
          absl::StartsWith(pointer, "/spec/helm/") &&
          (field.name == "repository" || field.name == "version" || field.name == "digest");
      if (registry) {
        base.Set("/spec/helm",
                 Value::Map{{"repository", "charts-one"}, {"chart", "web"}, {"version", "1.2.3"}});
      }
      Field(field, base, pointer);
    }
  }

  int fields = 0;

 private:
  static std::string With(Value base, const std::string& pointer, const Value& value) {
    EXPECT_TRUE(base.Set(pointer, value)) << pointer;
    return Parsed(base);
  }

  void Field(const FieldSpec& field, const Value& base, const std::string& pointer) {
    const std::string where = absl::StrCat(pointer, " of ", base.Get("kind")->string());
    if (!field.built) {
      const std::string parsed = With(base, pointer, Samples(field).first);
      EXPECT_TRUE(absl::StrContains(parsed, "is not built yet in this version")) << where << parsed;
      return;
    }
    const Value* there = base.Find(pointer);
    const auto samples = SamplesAt(pointer, field);
    if (field.required) {
      Value without = base;
      ASSERT_TRUE(without.Remove(pointer)) << where;
      EXPECT_TRUE(Fails(Parsed(without))) << where;
    }
    if (pointer == "/apiVersion" || pointer == "/kind") return;
    for (const Choice& choice : field.choices) {
      Value with = base;
      // A registry has an address of its own kind and no ref; the parser has tests for that.
      if (pointer == "/spec/type" && choice.value != "git") {
        with.Remove("/spec/ref");
        with.Set("/spec/url", choice.value == "oci" ? "oci://h/a" : "https://h/a");
      }
      const std::string parsed = With(with, pointer, choice.value);
      // Exists and DoesNotExist take no values; the parser has its own test for that.
      if (field.name == "operator") continue;
      EXPECT_EQ(Fails(parsed), !choice.built) << where << " " << choice.value << " " << parsed;
    }
    EXPECT_TRUE(Fails(With(base, pointer, Value()))) << where << " accepts null";
    if (field.type == FieldType::kObject) {
      const Value object = there != nullptr ? *there : samples.first;
      Value deeper = base;
      ASSERT_TRUE(deeper.Set(pointer, object)) << where;
      Object(*field.object, deeper, field.list ? pointer + "/0" : pointer);
      return;
    }
    if (field.name == "operator" || pointer == "/spec/type") return;
    const std::string first = With(base, pointer, samples.first);
    const std::string second = With(base, pointer, samples.second);
    EXPECT_FALSE(Fails(first)) << where << " " << first;
    EXPECT_FALSE(Fails(second)) << where << " " << second;
    // What the parser accepts it does not ignore.
    if (field.type == FieldType::kNotes || samples.first == samples.second) return;
    EXPECT_NE(first, second) << where << " is accepted and ignored";
  }
};

Value Declaration(const KindSpec& kind) {
  Value declaration = Minimal(*kind.document);
  declaration.Set("/apiVersion", kApiVersion);
  declaration.Set("/kind", kind.kind);
  declaration.Set("/metadata/name", "sample");
  if (kind.kind == "Package") {
    declaration.Set("/spec/path", ".");         // of a Git repository, as 'one' is
    declaration.Set("/spec/namespace", "web");  // for overrideNamespace
  }
  if (kind.kind == "Repository") {
    declaration.Set("/spec/ref", Value::Map{{"branch", "main"}});
  }
  return declaration;
}

TEST(Schema, EveryFieldIsParsedOrRefusedByName) {
  for (const KindSpec& kind : Kinds()) {
    if (!kind.built) continue;
    EXPECT_FALSE(Fails(Parsed(Declaration(kind)))) << Parsed(Declaration(kind));
    FieldWalk walk;
    walk.Object(*kind.document, Declaration(kind), "");
    EXPECT_GT(walk.fields, 8) << kind.kind;
  }
}

// The published files are what the tables make. After a change of the tables:
//   bazel run //common/config:print_schema -- Package > docs/schemas/package.json
TEST(Schema, PublishedFilesAreCurrent) {
  for (const KindSpec& kind : Kinds()) {
    if (!kind.built) continue;
    EXPECT_EQ(ReadFile(absl::StrCat("docs/schemas/", absl::AsciiStrToLower(kind.kind), ".json")),
              KindSchemaText(kind));
  }
}

// Every property of a schema is a field of the tables, and the other way round.
void Compare(const ObjectSpec& object, const Value& schema, const std::string& at) {
  const Value* properties = schema.Get("properties");
  ASSERT_NE(properties, nullptr) << at;
  EXPECT_EQ(*schema.Get("additionalProperties"), Value(false)) << at;
  EXPECT_EQ(properties->map().size(), object.fields.size()) << at;
  for (const Member& member : properties->map()) {
    const FieldSpec* field = FindField(object, member.key);
    ASSERT_NE(field, nullptr) << at << "/" << member.key;
    EXPECT_EQ(member.value.map().Contains("not"), !field->built) << at << "/" << member.key;
    if (!field->built || field->type != FieldType::kObject) continue;
    Compare(*field->object, field->list ? *member.value.Get("items") : member.value,
            absl::StrCat(at, "/", member.key));
  }
}

TEST(Schema, PropertiesAreTheFieldsOfTheTables) {
  for (const KindSpec& kind : Kinds()) {
    if (kind.built) Compare(*kind.document, KindSchema(kind), std::string(kind.kind));
  }
}

TEST(Schema, KindsAreSortedAndFound) {
  for (size_t i = 1; i < Kinds().size(); ++i) EXPECT_LT(Kinds()[i - 1].kind, Kinds()[i].kind);
  EXPECT_EQ(FindKind("Deployment"), nullptr);
  EXPECT_EQ(FindKind("Package")->kind, "Package");
}

}  // namespace
}  // namespace muster

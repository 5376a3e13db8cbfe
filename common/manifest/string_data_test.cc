#include "common/manifest/string_data.h"

#include <gtest/gtest.h>

#include <string>

#include "common/manifest/json.h"

namespace muster {
namespace {

// The folded object, or what is wrong with it.
std::string Folded(const std::string& json) {
  absl::StatusOr<Value> object = ParseJson(json);
  if (!object.ok()) return object.status().ToString();
  const absl::Status status = FoldStringData(*object);
  return status.ok() ? CanonicalJson(*object) : std::string(status.message());
}

TEST(FoldStringData, MakesItDataWhereItWins) {
  EXPECT_EQ(Folded(R"({"apiVersion":"v1","data":{"a":"b2xk","b":"Yg=="},"kind":"Secret",)"
                   R"("stringData":{"a":"new"}})"),
            R"({"apiVersion":"v1","data":{"a":"bmV3","b":"Yg=="},"kind":"Secret"})");
  EXPECT_EQ(Folded(R"({"apiVersion":"v1","kind":"Secret","stringData":{"a":""}})"),
            R"({"apiVersion":"v1","data":{"a":""},"kind":"Secret"})");
  EXPECT_EQ(Folded(R"({"apiVersion":"v1","kind":"Secret","stringData":null})"),
            R"({"apiVersion":"v1","kind":"Secret"})");
}

TEST(FoldStringData, LeavesWhatIsNoSecretOfTheCore) {
  for (const char* json :
       {R"({"apiVersion":"x.io/v1","kind":"Secret","stringData":{"a":"b"}})",
        R"({"apiVersion":"v1","kind":"ConfigMap","stringData":{"a":"b"}})",
        R"({"apiVersion":"v1","data":{"a":"YQ=="},"kind":"Secret"})", R"([1])"}) {
    EXPECT_EQ(Folded(json), json);
  }
}

TEST(FoldStringData, RefusesWhatIsNoText) {
  EXPECT_EQ(Folded(R"({"apiVersion":"v1","kind":"Secret","stringData":{"a":1}})"),
            "`stringData` has 'a', which is no text");
  EXPECT_EQ(Folded(R"({"apiVersion":"v1","kind":"Secret","stringData":["a"]})"),
            "`data` or `stringData` is no map");
}

}  // namespace
}  // namespace muster

// Charts of other tools: values as Helm sets and merges them, and where a Package finds things.
#include "cli/import/chart_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/manifest/json.h"

namespace muster::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The values after --set NAME=TEXT on `before`.
std::string Set(const std::string& name, const std::string& text, const std::string& before = "{}",
                bool as_string = false) {
  Value values = *ParseJson(before);
  const absl::Status status = SetHelmValue(name, text, as_string, values);
  return status.ok() ? CanonicalJson(values) : std::string(status.message());
}

TEST(SetHelmValue, GoesWhereTheNameLeads) {
  EXPECT_EQ(Set("a.b", "x", R"({"a":{"c":1}})"), R"({"a":{"b":"x","c":1}})");
  EXPECT_EQ(Set("a\\.b.c", "x"), R"({"a.b":{"c":"x"}})");
  EXPECT_EQ(Set("a[1].b", "x"), R"({"a":[null,{"b":"x"}]})");
  EXPECT_EQ(Set("a[0][1]", "x", R"({"a":[["y"]]})"), R"({"a":[["y","x"]]})");
}

TEST(SetHelmValue, TypesTheText) {
  EXPECT_EQ(Set("a", "true"), R"({"a":true})");
  EXPECT_EQ(Set("a", "null"), R"({"a":null})");
  EXPECT_EQ(Set("a", "12"), R"({"a":12})");
  EXPECT_EQ(Set("a", "0"), R"({"a":0})");
  EXPECT_EQ(Set("a", "012"), R"({"a":"012"})");
  EXPECT_EQ(Set("a", "1.5"), R"({"a":"1.5"})");
  EXPECT_EQ(Set("a", ""), R"({"a":""})");
  EXPECT_EQ(Set("a", "12", "{}", /*as_string=*/true), R"({"a":"12"})");
  EXPECT_EQ(Set("a", "x,y"), R"({"a":"x,y"})");
  EXPECT_EQ(Set("a", "x\\,y\\\\z"), R"({"a":"x,y\\z"})");
  EXPECT_EQ(Set("a", "{x,2,p\\,q}"), R"({"a":["x",2,"p,q"]})");
  EXPECT_EQ(Set("a", "{}"), R"({"a":[]})");
}

TEST(SetHelmValue, RefusesWhatHelmWouldNotTake) {
  EXPECT_THAT(Set("", "x"), HasSubstr("empty part"));
  EXPECT_THAT(Set("a..b", "x"), HasSubstr("empty part"));
  EXPECT_THAT(Set("a[x]", "x"), HasSubstr("index that is none"));
  EXPECT_THAT(Set("a[99999]", "x"), HasSubstr("index that is none"));
  EXPECT_THAT(Set("a[0", "x"), HasSubstr("index that is none"));
  EXPECT_THAT(Set("a[0]b", "x"), HasSubstr("goes on after an index"));
  EXPECT_THAT(Set("a.b", "x", R"({"a":"text"})"), HasSubstr("is no map before 'b'"));
  EXPECT_THAT(Set("a[0]", "x", R"({"a":{}})"), HasSubstr("no list"));
  EXPECT_THAT(Set("a", "{x"), HasSubstr("does not end"));
  EXPECT_THAT(Set("a", "{x}y"), HasSubstr("does not end"));
}

TEST(MergeHelmValues, MergesMapsAndReplacesTheRest) {
  Value base = *ParseJson(R"({"a":{"b":1,"c":[1,2]},"d":"x"})");
  MergeHelmValues(*ParseJson(R"({"a":{"c":[3],"e":null},"d":{"f":1}})"), base);
  EXPECT_EQ(CanonicalJson(base), R"({"a":{"b":1,"c":[3],"e":null},"d":{"f":1}})");
}

TEST(CheckHelmValues, KeepsVariablesOfOthersOut) {
  const auto check = [](const std::string& json) { return CheckHelmValues(*ParseJson(json)); };
  EXPECT_TRUE(check(R"({"a":"${HOME}"})").ok());  // nothing is replaced without a reason
  EXPECT_TRUE(check(R"({"a":"${cluster.name}"})").ok());
  EXPECT_THAT(check(R"({"a":"${cluster.name}","b":"${HOME}"})").message(),
              HasSubstr("values file"));
  EXPECT_FALSE(check(R"({"a":"${HOME"})").ok());
}

TEST(PlaceChart, FindsThePathThatHoldsAll) {
  const ChartPlace own = PlaceChart("apps/web", {"apps/web/values/prod.yaml"});
  EXPECT_EQ(own.path, "apps/web");
  EXPECT_EQ(own.chart, "");
  EXPECT_THAT(own.values_files, ElementsAre("values/prod.yaml"));
  const ChartPlace beside = PlaceChart("apps/web/chart", {"apps/envs/prod.yaml"});
  EXPECT_EQ(beside.path, "apps");
  EXPECT_EQ(beside.chart, "web/chart");
  EXPECT_THAT(beside.values_files, ElementsAre("envs/prod.yaml"));
  const ChartPlace far = PlaceChart("web", {"prod.yaml"});
  EXPECT_EQ(far.path, "");
  EXPECT_EQ(far.chart, "web");
  EXPECT_EQ(PlaceValues({"a/b/c.yaml", "a/d.yaml"}).path, "a");
}

TEST(FindRegistryChart, KnowsBothKinds) {
  const auto find = [](const std::string& url, const std::string& chart) {
    const auto found = FindRegistryChart(url, chart, "1.2.3");
    if (!found.ok()) return std::string(found.status().message());
    return absl::StrCat(found->repository.type, " ", found->repository.url, " ", found->chart);
  };
  EXPECT_EQ(find("https://charts.example.com/", "web"), "helm https://charts.example.com web");
  EXPECT_EQ(find("registry.example.com/org", "web"), "oci oci://registry.example.com/org web");
  EXPECT_EQ(find("", "oci://registry.example.com/org/web"),
            "oci oci://registry.example.com/org web");
  EXPECT_EQ(find("oci://registry.example.com/org/web", ""),
            "oci oci://registry.example.com/org web");
  EXPECT_THAT(find("", "https://charts.example.com/web-1.0.tgz"), HasSubstr("archive"));
  EXPECT_THAT(find("", "git::https://example.com/x"), HasSubstr("no registry"));
  EXPECT_THAT(find("", "oci://registry.example.com"), HasSubstr("names no chart"));
}

}  // namespace
}  // namespace muster::cli

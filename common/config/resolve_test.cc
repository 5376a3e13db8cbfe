#include "common/config/resolve.h"

#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

v1::Package PackageFrom(const std::string& text) {
  v1::Package package;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &package));
  return package;
}

const Labels kProd = {{"env", "prod"}, {"region", "eu"}};
const Labels kDev = {{"env", "dev"}};

v1::RenderInput Input(const v1::Package& package, const Labels& labels) {
  const auto input = ResolvePackage(package, "eu-1", labels);
  EXPECT_TRUE(input.ok()) << input.status();
  EXPECT_TRUE(input.ok() && input->has_value());
  return input.ok() && input->has_value() ? **input : v1::RenderInput();
}

std::string Error(const v1::Package& package, const Labels& labels) {
  const auto input = ResolvePackage(package, "eu-1", labels);
  return input.ok() ? "no error" : std::string(input.status().message());
}

TEST(ResolvePackage, FirstTargetThatMatchesWins) {
  const v1::Package package = PackageFrom(R"pb(
    name: "web"
    path: "web"
    targets { name: "absent" }
    targets {
      name: "prod"
      cluster_selector { match_labels { key: "env" value: "prod" } }
    }
    targets {
      name: "rest"
      cluster_selector {}
    }
  )pb");
  EXPECT_EQ(SelectTarget(package, kProd)->name(), "prod");
  EXPECT_EQ(SelectTarget(package, kDev)->name(), "rest");
}

TEST(ResolvePackage, FindsTheChartAndItsValues) {
  const v1::RenderInput input = Input(
      PackageFrom(R"pb(
        name: "web"
        path: "web"
        helm { chart: "./charts/web/" values_files: "${cluster.labels.env}.yaml" values: "a: 1\n" }
        targets {
          cluster_selector {}
          helm { values_files: "x/./y.yaml" }
        }
      )pb"),
      kProd);
  EXPECT_EQ(input.helm().chart(), "charts/web");
  EXPECT_EQ(input.helm().release_name(), "web");
  EXPECT_EQ(input.helm().values_files(0), "prod.yaml");
  EXPECT_EQ(input.target_helm().values_files(0), "x/y.yaml");
  EXPECT_FALSE(input.substitute());
  EXPECT_EQ(input.cluster_name(), "");
}

TEST(ResolvePackage, SubstitutesValuesThatNameTheClusterWithoutAnyVariable) {
  const v1::RenderInput input = Input(PackageFrom(R"pb(
                                        name: "web"
                                        path: "web"
                                        targets {
                                          cluster_selector {}
                                          helm { values: "region: ${cluster.labels.region}\n" }
                                        })pb"),
                                      kProd);
  EXPECT_TRUE(input.substitute());
  EXPECT_EQ(input.labels_size(), 2);
  EXPECT_EQ(input.helm().release_name(), "web");  // the target alone makes it a chart
}

TEST(ResolvePackage, RefusesValuesFilesThatLeadOut) {
  const v1::Package package = PackageFrom(R"pb(
    name: "web"
    path: "web"
    helm { values_files: "${cluster.labels.env}/../../x.yaml" }
    targets { cluster_selector {} }
  )pb");
  EXPECT_NE(Error(package, kProd).find("helm.valuesFiles"), std::string::npos);
}

TEST(ResolvePackage, SelectsNothingWithoutATargetOrItsSelector) {
  for (const char* text :
       {R"pb(name: "web" path: "web")pb", R"pb(name: "web"
                                               path: "web"
                                               targets { name: "absent" })pb"}) {
    const auto input = ResolvePackage(PackageFrom(text), "eu-1", kProd);
    ASSERT_TRUE(input.ok());
    EXPECT_FALSE(input->has_value());
  }
}

TEST(ResolvePackage, TargetsVariablesWinAndBothMayNameTheCluster) {
  const v1::RenderInput input =
      Input(PackageFrom(R"pb(
              name: "web"
              path: "web"
              namespace: "shop"
              override_namespace: true
              renderer: RENDERER_YAML
              variables { name: "replicas" value: "2" }
              variables {
                name: "host"
                value: "${cluster.name}.${cluster.labels.region:-none}.example.com"
              }
              targets {
                cluster_selector {}
                variables { name: "replicas" value: "6" }
                patches { path: "patches/prod.yaml" }
              }
            )pb"),
            kProd);
  v1::RenderInput wanted;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        package: "web"
        path: "web"
        renderer: RENDERER_YAML
        substitute: true
        variables { name: "host" value: "eu-1.eu.example.com" }
        variables { name: "replicas" value: "6" }
        patches { path: "patches/prod.yaml" }
        namespace: "shop"
        override_namespace: true
        labels { key: "env" value: "prod" }
        labels { key: "region" value: "eu" }
        cluster_name: "eu-1"
        patch_files: "patches/prod.yaml"
      )pb",
      &wanted));
  EXPECT_EQ(input.DebugString(), wanted.DebugString());
}

// Without variables nothing in the files is substituted, so clusters are alike.
TEST(ResolvePackage, ClustersShareTheInputWhenThereAreNoVariables) {
  const v1::Package package = PackageFrom(R"pb(name: "web"
                                               path: "web"
                                               targets { cluster_selector {} })pb");
  const v1::RenderInput input = Input(package, kProd);
  EXPECT_FALSE(input.substitute());
  EXPECT_EQ(input.DebugString(), Input(package, kDev).DebugString());
}

TEST(ResolvePackage, SubstitutesAndNormalisesThePath) {
  const v1::Package package = PackageFrom(R"pb(
    name: "web"
    path: "./web//overlays/${cluster.labels.env}/${tier}"
    variables { name: "tier" value: "t1" }
    targets { cluster_selector {} }
  )pb");
  EXPECT_EQ(Input(package, kProd).path(), "web/overlays/prod/t1");
  EXPECT_EQ(Input(PackageFrom(R"pb(path: "."
                                   targets { cluster_selector {} })pb"),
                  kProd)
                .path(),
            "");
}

TEST(ResolvePackage, RefusesAPathThatLeavesTheRepository) {
  EXPECT_EQ(Error(PackageFrom(R"pb(
                    name: "web"
                    path: "web/${dir}"
                    variables { name: "dir" value: "../../x" }
                    targets { cluster_selector {} }
                  )pb"),
                  kProd),
            "package 'web' for cluster 'eu-1': path: path 'web/../../x': '..' is not allowed; "
            "nothing outside may be reached");
}

TEST(ResolvePackage, SaysWhichVariableIsMissingWhereAndForWhom) {
  EXPECT_EQ(Error(PackageFrom(R"pb(
                    name: "web"
                    path: "web/${cluster.labels.region}"
                    origin { file: "fleet/web.yaml" line: 3 }
                    targets { cluster_selector {} }
                  )pb"),
                  kDev),
            "package 'web' for cluster 'eu-1': path: fleet/web.yaml:3: variable expression "
            "'${cluster.labels.region}': cluster 'eu-1' has no label 'region'; label it, or give a "
            "default with :-");
  EXPECT_NE(Error(PackageFrom(R"pb(
                    name: "web"
                    path: "web"
                    variables { name: "a" value: "1" }
                    variables { name: "b" value: "${a}" }
                    targets { cluster_selector {} }
                  )pb"),
                  kDev)
                .find("variables.b (may name only ${cluster...})"),
            std::string::npos);
}

}  // namespace
}  // namespace muster

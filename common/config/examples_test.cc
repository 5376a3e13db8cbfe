// The examples of the documentation work: they parse, resolve and render for every cluster, and are
// what they say.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/config/config.h"
#include "common/config/findings.h"
#include "common/config/resolve.h"
#include "common/manifest/json.h"
#include "common/render/render.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

FileTree ReadTree(const std::string& directory) {
  FileTree tree;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           directory, std::filesystem::directory_options::follow_directory_symlink)) {
    if (!std::filesystem::is_regular_file(entry)) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    const std::string path = entry.path().lexically_relative(directory).string();
    EXPECT_TRUE(tree.Add(path, bytes).ok()) << path;
  }
  return tree;
}

class Examples : public testing::Test {
 protected:
  void SetUp() override {
    tree_ = ReadTree("docs/examples");
    config_ = ParseFleetConfig(tree_, {.path = "fleet"});
    for (const v1::ConfigError& error : config_.errors()) ADD_FAILURE() << ConfigErrorText(error);
  }

  // What a package is for a cluster, by object; empty when it does not go there.
  std::map<std::string, Value> Rendered(const std::string& package, const std::string& cluster) {
    std::map<std::string, Value> objects;
    for (const v1::Package& one : config_.packages()) {
      if (one.name() != package) continue;
      const auto input = ResolvePackage(one, cluster, LabelsFor(cluster));
      EXPECT_TRUE(input.ok()) << input.status();
      if (!input.ok() || !input->has_value()) return objects;
      const absl::StatusOr<Rendering> rendering = Render(tree_, **input);
      EXPECT_TRUE(rendering.ok()) << package << " for " << cluster << ": " << rendering.status();
      if (!rendering.ok()) return objects;
      for (const RenderedObject& rendered : rendering->objects) {
        objects[rendered.object.key.text()] = rendered.object.value;
      }
    }
    return objects;
  }

  std::string At(const Value& value, absl::string_view pointer) {
    const Value* found = value.Find(pointer);
    return found == nullptr ? "absent" : CanonicalJson(*found);
  }

  Labels LabelsFor(const std::string& cluster) {
    for (const v1::ClusterDeclaration& one : config_.clusters()) {
      if (one.name() == cluster) return LabelsOf(one.labels());
    }
    ADD_FAILURE() << "no cluster " << cluster;
    return {};
  }

  FileTree tree_;
  v1::FleetConfig config_;
};

TEST_F(Examples, ParseAndRenderForEveryCluster) {
  EXPECT_EQ(config_.files(), 5);
  EXPECT_EQ(config_.clusters_size(), 3);
  for (const v1::Package& package : config_.packages()) {
    for (const v1::ClusterDeclaration& cluster : config_.clusters()) {
      EXPECT_FALSE(Rendered(package.name(), cluster.name()).empty())
          << package.name() << " " << cluster.name();
    }
  }
}

TEST_F(Examples, TheWebPackageIsWhatItsCommentsSay) {
  auto europe = Rendered("web", "prod-eu-1"), america = Rendered("web", "prod-us-1");
  const std::string deployment = "apps/v1/Deployment/web/web";
  EXPECT_EQ(At(europe[deployment], "/spec/replicas"), "6");
  EXPECT_EQ(At(america[deployment], "/spec/replicas"), "1");
  EXPECT_EQ(At(europe[deployment], "/metadata/labels/tier"), "\"gold\"");
  EXPECT_EQ(At(america[deployment], "/metadata/labels/tier"), "absent");
  const std::string container = "/spec/template/spec/containers/0";
  EXPECT_EQ(At(europe[deployment], container + "/resources/limits/memory"), "\"512Mi\"");
  EXPECT_EQ(At(europe[deployment], container + "/image"), "\"registry.example.com/web:2.0.1\"");
  EXPECT_EQ(At(america[deployment], container + "/env/1/value"), "\"us-east\"");
  EXPECT_EQ(At(europe["v1/ConfigMap/web/web-settings"], "/data"),
            R"({"host":"web.prod-eu-1.example.com","shell":"echo ${HOME}"})");
  EXPECT_NE(At(europe["v1/ConfigMap/web/web-scripts"], "/data").find("${HOME:-/var/lib/web}"),
            std::string::npos);
  EXPECT_EQ(europe.size(), 4u);
}

TEST_F(Examples, TheMonitoringPackageFollowsALabelAndKeepsItsText) {
  auto dev = Rendered("monitoring", "dev-1"), prod = Rendered("monitoring", "prod-us-1");
  const std::string name = "v1/ConfigMap/monitoring/dashboards";
  EXPECT_EQ(At(dev[name], "/data"), R"({"datasource":"${DS_PROMETHEUS}","retention":"2d"})");
  EXPECT_EQ(At(prod[name], "/data/retention"), "\"30d\"");
}

}  // namespace
}  // namespace muster

#include "common/render/render_all.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/digest.h"
#include "common/manifest/bundle.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

// A repository in memory that counts how often it is read.
class Repository {
 public:
  void Put(const std::string& path, const std::string& bytes) { files_[path] = bytes; }

  TreeReader Reader() {
    return {.tree_id = [this](const std::string& path) -> absl::StatusOr<std::string> {
              std::string all;
              for (const auto& [name, bytes] : files_) {
                if (name.rfind(path, 0) == 0) absl::StrAppend(&all, name, "\n", bytes, "\n");
              }
              if (all.empty()) return absl::NotFoundError(absl::StrCat("no path ", path));
              return Digest::Of(all).hex();
            },
            .read = [this](const std::string& path) -> absl::StatusOr<FileTree> {
              ++reads;
              FileTree tree;
              for (const auto& [name, bytes] : files_) {
                if (name.rfind(path, 0) != 0) continue;
                EXPECT_TRUE(tree.Add(name, bytes).ok());
              }
              return tree;
            }};
  }

  int reads = 0;

 private:
  std::map<std::string, std::string> files_;
};

std::string ConfigMap(absl::string_view name, absl::string_view value) {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ", name,
                      "}\ndata: {value: \"", value, "\"}\n");
}

v1::RenderInput Input(const std::string& path, const std::string& cluster, const std::string& env) {
  v1::RenderInput input;
  input.set_package(path);
  input.set_path(path);
  input.set_substitute(true);
  input.set_cluster_name(cluster);
  v1::Label* label = input.add_labels();
  label->set_key("env");
  label->set_value(env);
  return input;
}

int CountRendered(const v1::RenderResponse& response) {
  int count = 0;
  for (const v1::RenderOutput& output : response.outputs()) count += !output.manifest().empty();
  return count;
}

TEST(RenderAll, SaysWhereEachObjectStands) {
  Repository repository;
  repository.Put("web/b.yaml",
                 absl::StrCat("# two\n---\n", ConfigMap("z", "1"), "---\n", ConfigMap("a", "1")));
  repository.Put("web/a.yaml", ConfigMap("m", "1"));
  v1::RenderRequest request;
  *request.add_inputs() = Input("web", "one", "dev");
  const v1::RenderResponse response = RenderAll(request, repository.Reader());
  const v1::RenderOutput& output = response.outputs(0);
  const absl::StatusOr<v1::Manifest> manifest = ParseManifest(output.manifest());
  ASSERT_TRUE(manifest.ok());
  std::map<std::string, std::string> places;
  for (int i = 0; i < manifest->entries_size(); ++i) {
    const v1::ObjectSources& sources = output.sources();
    places[manifest->entries(i).name()] =
        absl::StrCat(sources.files(static_cast<int>(sources.file(i))), ":", sources.line(i));
  }
  EXPECT_EQ(places, (std::map<std::string, std::string>{
                        {"a", "web/b.yaml:8"}, {"m", "web/a.yaml:1"}, {"z", "web/b.yaml:3"}}));
}

TEST(RenderAll, RendersOnceForAllClustersWhenTheFilesNameNone) {
  Repository repository;
  repository.Put("web/a.yaml", ConfigMap("a", "1"));
  v1::RenderRequest request;
  for (int i = 0; i < 100; ++i) {
    *request.add_inputs() = Input("web", absl::StrCat("c", i), i % 2 == 0 ? "dev" : "prod");
  }
  const v1::RenderResponse response = RenderAll(request, repository.Reader());
  ASSERT_EQ(response.outputs_size(), 100);
  EXPECT_EQ(CountRendered(response), 1);
  EXPECT_FALSE(response.outputs(0).manifest().empty());
  for (const v1::RenderOutput& output : response.outputs()) {
    EXPECT_EQ(output.input_digest(), response.outputs(0).input_digest());
    EXPECT_TRUE(output.uses_known());
    EXPECT_EQ(output.uses_size(), 0);
  }
  EXPECT_EQ(repository.reads, 1);
}

TEST(RenderAll, RendersOnceForEachValueThatTheFilesAskFor) {
  Repository repository;
  repository.Put("web/a.yaml", ConfigMap("a", "${cluster.labels.env}"));
  v1::RenderRequest request;
  for (int i = 0; i < 100; ++i) {
    *request.add_inputs() = Input("web", absl::StrCat("c", i), i % 2 == 0 ? "dev" : "prod");
  }
  const v1::RenderResponse response = RenderAll(request, repository.Reader());
  EXPECT_EQ(CountRendered(response), 2);
  EXPECT_EQ(response.outputs(0).input_digest(), response.outputs(98).input_digest());
  EXPECT_NE(response.outputs(0).input_digest(), response.outputs(1).input_digest());
  EXPECT_EQ(response.outputs(1).uses(0), "cluster.labels.env");
  EXPECT_NE(response.outputs(1).objects(0).find("\"prod\""), std::string::npos);
}

TEST(RenderAll, TellsAnAbsentLabelFromAnEmptyOne) {
  Repository repository;
  repository.Put("web/a.yaml", ConfigMap("a", "${cluster.labels.env:0}"));
  v1::RenderRequest request;
  *request.add_inputs() = Input("web", "c", "");
  *request.add_inputs() = Input("web", "c", "");
  request.mutable_inputs(1)->clear_labels();
  const v1::RenderResponse response = RenderAll(request, repository.Reader());
  EXPECT_NE(response.outputs(0).input_digest(), response.outputs(1).input_digest());
  EXPECT_EQ(response.outputs(0).code(), 0);
  EXPECT_EQ(response.outputs(1).code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
}

TEST(RenderAll, AnswersWithABundle) {
  Repository repository;
  repository.Put("web/a.yaml", ConfigMap("b", "2") + "---\n" + ConfigMap("a", "1"));
  v1::RenderRequest request;
  *request.add_inputs() = Input("web", "c", "dev");
  const v1::RenderResponse response = RenderAll(request, repository.Reader());
  const v1::RenderOutput& output = response.outputs(0);
  ASSERT_EQ(output.code(), 0) << output.message();
  EXPECT_EQ(output.engine(), "yaml");
  const absl::StatusOr<v1::Manifest> manifest = ParseManifest(output.manifest());
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  ASSERT_EQ(manifest->entries_size(), 2);
  ASSERT_EQ(output.objects_size(), 2);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(ParseBundleObject(manifest->entries(i), output.objects(i)).ok());
  }
  EXPECT_EQ(manifest->entries(0).name(), "a");
}

TEST(RenderAll, DoesNotRenderWhatIsKnown) {
  Repository repository;
  repository.Put("web/a.yaml", ConfigMap("a", "1"));
  v1::RenderRequest request;
  *request.add_inputs() = Input("web", "c", "dev");
  const std::string digest = RenderAll(request, repository.Reader()).outputs(0).input_digest();
  request.mutable_inputs(0)->add_known_inputs(digest);
  const v1::RenderResponse again = RenderAll(request, repository.Reader());
  EXPECT_EQ(again.outputs(0).input_digest(), digest);
  EXPECT_EQ(CountRendered(again), 0);

  // Nothing is even read when nothing is substituted.
  request.mutable_inputs(0)->set_substitute(false);
  request.mutable_inputs(0)->add_known_inputs(
      RenderAll(request, repository.Reader()).outputs(0).input_digest());
  repository.reads = 0;
  EXPECT_EQ(CountRendered(RenderAll(request, repository.Reader())), 0);
  EXPECT_EQ(repository.reads, 0);

  // Another content is another input.
  repository.Put("web/a.yaml", ConfigMap("a", "2"));
  EXPECT_EQ(CountRendered(RenderAll(request, repository.Reader())), 1);
}

TEST(RenderAll, OneFailureTouchesNoOther) {
  Repository repository;
  repository.Put("bad/a.yaml", ConfigMap("a", "${x}"));
  repository.Put("broken/a.yaml", ConfigMap("a", "${"));
  repository.Put("good/a.yaml", ConfigMap("a", "1"));
  v1::RenderRequest request;
  for (const char* path : {"good", "bad", "gone", "broken", "bad"}) {
    *request.add_inputs() = Input(path, "c", "dev");
  }
  const v1::RenderResponse response = RenderAll(request, repository.Reader());
  EXPECT_EQ(response.outputs(0).code(), 0);
  EXPECT_EQ(response.outputs(1).message().substr(0, 13), "bad/a.yaml:4:");
  EXPECT_EQ(response.outputs(4).message(), response.outputs(1).message());
  EXPECT_FALSE(response.outputs(1).input_digest().empty());
  EXPECT_EQ(response.outputs(2).code(), static_cast<int>(absl::StatusCode::kNotFound));
  EXPECT_EQ(response.outputs(3).code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  for (const v1::RenderOutput& output : response.outputs()) EXPECT_TRUE(output.uses_known());
}

TEST(RenderAll, BuildsKustomizationsAndKnowsWhatTheyDependOn) {
  Repository repository;
  repository.Put("base/kustomization.yaml", "resources: [a.yaml]\n");
  repository.Put("base/a.yaml", ConfigMap("a", "1"));
  repository.Put("prod/kustomization.yaml", "resources: [../base]\nnamePrefix: p-\n");
  repository.Put("other/b.yaml", ConfigMap("b", "1"));
  v1::RenderRequest request;
  *request.add_inputs() = Input("prod", "x", "a");
  const v1::RenderOutput first = RenderAll(request, repository.Reader()).outputs(0);
  EXPECT_EQ(first.code(), 0) << first.message();
  EXPECT_EQ(first.engine(), "kustomize");
  ASSERT_EQ(first.objects_size(), 1);
  EXPECT_NE(first.objects(0).find("\"p-a\""), std::string::npos);
  request.mutable_inputs(0)->add_known_inputs(first.input_digest());

  repository.Put("other/b.yaml", ConfigMap("b", "2"));
  EXPECT_EQ(CountRendered(RenderAll(request, repository.Reader())), 0);
  repository.Put("base/a.yaml", ConfigMap("a", "2"));
  EXPECT_EQ(CountRendered(RenderAll(request, repository.Reader())), 1);
}

TEST(RenderAll, BuildsABaseOnceForAllOverlays) {
  Repository repository;
  repository.Put("base/kustomization.yaml", "resources: [a.yaml]\n");
  repository.Put("base/a.yaml", ConfigMap("a", "1"));
  v1::RenderRequest request;
  for (int i = 0; i < 20; ++i) {
    repository.Put(absl::StrCat("clusters/", i + 100, "/kustomization.yaml"),
                   absl::StrCat("resources: [../../base]\nnamePrefix: c", i, "-\n"));
    *request.add_inputs() = Input(absl::StrCat("clusters/", i + 100), "x", "a");
  }
  const v1::RenderResponse response = RenderAll(request, repository.Reader());
  EXPECT_EQ(CountRendered(response), 20);
  EXPECT_EQ(repository.reads, 21);  // each overlay, and the base
}

TEST(RenderAll, TakesBasesFromDeclaredRepositories) {
  // The reader answers for both, under the name that the other one has in paths.
  Repository both;
  both.Put("web/kustomization.yaml",
           "namePrefix: p-\nresources: [\"https://git.example.com/library//base?ref=main\"]\n");
  both.Put("plain/a.yaml", ConfigMap("a", "1"));
  both.Put("repository:library/base/kustomization.yaml", "resources: [a.yaml]\n");
  both.Put("repository:library/base/a.yaml", ConfigMap("a", "1"));
  TreeReader reader = both.Reader();
  v1::RenderRequest request;
  *request.add_inputs() = Input("web", "x", "a");
  *request.add_inputs() = Input("plain", "x", "a");
  const v1::RenderResponse refused = RenderAll(request, reader);
  EXPECT_EQ(
      refused.outputs(0).message(),
      "web/kustomization.yaml:2: 'https://git.example.com/library//base?ref=main' is remote, "
      "and rendering fetches nothing; declare a Repository for https://git.example.com/library "
      "that follows 'main', or copy what is needed into this one");
  EXPECT_EQ(refused.outputs(0).repositories_size(), 0);
  EXPECT_EQ(refused.outputs(1).code(), 0);

  reader.declared = {{"library", "https://git.example.com/library.git", "main", "", "", ""}};
  const v1::RenderResponse early = RenderAll(request, reader);
  EXPECT_NE(early.outputs(0).message().find("has not been fetched yet"), std::string::npos);
  ASSERT_EQ(early.outputs(0).repositories_size(), 1);
  EXPECT_EQ(early.outputs(0).repositories(0), "library");

  reader.declared[0].commit = "c1";
  const v1::RenderOutput output = RenderAll(request, reader).outputs(0);
  ASSERT_EQ(output.objects_size(), 1) << output.message();
  EXPECT_NE(output.objects(0).find("\"p-a\""), std::string::npos);
  EXPECT_EQ(output.repositories(0), "library");
  EXPECT_EQ(output.sources().files(0), "repository:library/base/a.yaml");
  EXPECT_EQ(RenderAll(request, reader).outputs(1).repositories_size(), 0);

  // What is there counts, and not at which commit.
  request.mutable_inputs(0)->add_known_inputs(output.input_digest());
  reader.declared[0].commit = "c2";
  EXPECT_TRUE(RenderAll(request, reader).outputs(0).manifest().empty());
  both.Put("repository:library/base/a.yaml", ConfigMap("a", "2"));
  EXPECT_FALSE(RenderAll(request, reader).outputs(0).manifest().empty());
}

TEST(RenderAll, RefusesPathsThatReachIntoOtherRepositories) {
  Repository both;
  both.Put("repository:library/a.yaml", ConfigMap("a", "1"));
  v1::RenderRequest request;
  *request.add_inputs() = Input("repository:library", "x", "a");
  EXPECT_EQ(RenderAll(request, both.Reader()).outputs(0).message(),
            "path 'repository:library': a path does not begin like that");
}

}  // namespace
}  // namespace muster

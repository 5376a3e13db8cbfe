// HubJobs with real children over file:// repositories: the test's own binary is the children, see
// main below. Waits for events, never for time.
#include "hub/hub_jobs.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/compression.h"
#include "common/helm/helm_program.h"
#include "common/loop/inbox.h"
#include "common/store/memory_store.h"
#include "common/trust/sealing.h"
#include "hub/child/child_process.h"
#include "hub/child/fetch_answer.h"
#include "hub/child/fetch_child.h"
#include "hub/child/frame.h"
#include "hub/core/keys.h"
#include "hub/credentials.h"
#include "hub/source/libgit2_fixture.h"
#include "hub/source/libgit2_source.h"
#include "proto/storage.pb.h"
#include "test/integration/git_server.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

constexpr char kWeb[] =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: \"1\"}\n";

// As the real one, but a package called "poison" kills it, and over "hungry" memory runs out.
int FragileRenderer(const std::vector<std::string>& arguments) {
  FrameChannel channel(kChildChannel, limits::kChildMessageBytesMax);
  Libgit2Source source({.directory = arguments[0]});
  while (true) {
    const auto bytes = channel.Receive(kNoDeadline);
    pb::FetchChildRequest request;
    if (!bytes.ok() || !request.ParseFromString(*bytes)) return 0;
    for (const pb::RenderInput& input : request.render().inputs()) {
      if (input.package() == "poison") abort();
      if (input.package() == "hungry") {
        pb::FetchChildResponse response;
        response.set_id(request.id());
        response.set_code(static_cast<int>(absl::StatusCode::kResourceExhausted));
        return channel.Send(response.SerializeAsString(), kNoDeadline).ok() ? 0 : 1;
      }
    }
    if (!channel.Send(AnswerFetchChild(source, request).SerializeAsString(), kNoDeadline).ok()) {
      return 0;
    }
  }
}

class HubJobsTest : public testing::Test {
 protected:
  void Begin(absl::Duration fetch_timeout = absl::Seconds(60)) {
    HubJobs::Options options;
    options.clones = directory_.path() + "/clones";
    options.fetch_timeout = fetch_timeout;
    HubJobs::Parts parts;
    parts.store = &store_;
    parts.sealing_key = sealing_key_;
    parts.issue = [](const IssueJob& job) -> absl::StatusOr<HubJobs::Certificate> {
      if (job.csr_der != "good") return absl::InvalidArgumentError("not a request");
      return HubJobs::Certificate{"a certificate", Digest::Of("key")};
    };
    parts.post = [this](Event event) { CHECK(inbox_.Post(std::move(event))); };
    auto jobs = HubJobs::Create(std::move(options), std::move(parts));
    CHECK_OK(jobs);
    jobs_ = *std::move(jobs);
  }

  std::string PathOf(const std::string& name) const { return directory_.path() + "/" + name; }

  FetchJob Fetch(const std::string& name) const {
    FetchJob job;
    job.repository = RepositoryName(name);
    job.request.set_repository(name);
    job.request.set_url("file://" + PathOf(name));
    job.request.set_branch("main");
    job.request.set_allow_file(true);
    return job;
  }

  RenderJob Render(const std::string& commit, const std::vector<std::string>& packages) const {
    RenderJob job;
    job.job = 7;
    job.request.set_repository("apps");
    job.request.set_commit(commit);
    for (const std::string& package : packages) {
      pb::RenderInput& input = *job.request.add_inputs();
      input.set_package(package);
      input.set_path("web");
      input.set_renderer(pb::RENDERER_YAML);
    }
    return job;
  }

  template <typename Kind>
  Kind Next() {
    while (waiting_.empty()) {
      for (Event& event : inbox_.Drain(absl::Seconds(120))) waiting_.push_back(std::move(event));
    }
    Event event = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    CHECK(std::holds_alternative<Kind>(event)) << "event " << event.index();
    return std::get<Kind>(std::move(event));
  }

  // A repository "apps" with one ConfigMap in web/, fetched; its commit.
  std::string FetchedApps() {
    GitFixture(PathOf("apps")).Commit("main", {{"web/a.yaml", kWeb}}, "one");
    jobs_->Start(Fetch("apps"));
    const FetchDone done = Next<FetchDone>();
    CHECK_OK(done.result);
    return done.result->commit();
  }

  integration::TemporaryDirectory directory_;
  const std::string sealing_key_ = NewSealingKey();
  MemoryStore store_;
  Inbox<Event> inbox_{"test", 1'000};
  std::vector<Event> waiting_;
  std::unique_ptr<HubJobs> jobs_;
};

TEST_F(HubJobsTest, FetchesAndReadsDeclarations) {
  Begin();
  GitFixture(PathOf("fleet"))
      .Commit("main",
              {{"fleet/a.yaml", R"(
apiVersion: muster.dev/v1alpha1
kind: Cluster
metadata: {name: berlin, labels: {env: prod}}
)"},
               {"README.md", "not read"}},
              "one");
  FetchJob job = Fetch("fleet");
  job.request.set_config_path_set(true);
  job.request.set_config_path("fleet");
  jobs_->Start(job);

  const FetchDone done = Next<FetchDone>();

  EXPECT_EQ(done.repository, RepositoryName("fleet"));
  ASSERT_TRUE(done.result.ok()) << done.result.status();
  EXPECT_TRUE(done.result->descends());
  EXPECT_EQ(done.result->commits_size(), 1);
  ASSERT_EQ(done.result->config().clusters_size(), 1) << done.result->config().ShortDebugString();
  EXPECT_EQ(done.result->config().clusters(0).name(), "berlin");
}

TEST_F(HubJobsTest, AMissingConfigPathIsAnError) {
  Begin();
  GitFixture(PathOf("fleet")).Commit("main", {{"README.md", "x"}}, "one");
  FetchJob job = Fetch("fleet");
  job.request.set_config_path_set(true);
  job.request.set_config_path("nowhere");
  jobs_->Start(job);
  const FetchDone done = Next<FetchDone>();
  EXPECT_EQ(done.result.status().code(), absl::StatusCode::kNotFound) << done.result.status();
}

TEST_F(HubJobsTest, ARenderingIsInTheStoreBeforeItsEvent) {
  Begin();
  const std::string commit = FetchedApps();
  jobs_->Start(Render(commit, {"web", "web-again"}));

  const RenderDone done = Next<RenderDone>();

  EXPECT_EQ(done.job, 7u);
  ASSERT_TRUE(done.results.ok()) << done.results.status();
  ASSERT_EQ(done.results->size(), 2u);
  const Rendered& web = done.results->front();
  ASSERT_TRUE(web.status.ok()) << web.status;
  EXPECT_EQ(web.object_count, 1u);
  EXPECT_FALSE(web.input.empty());
  pb::BlobRecord record;
  ASSERT_TRUE(record.ParseFromString(store_.Get(keys::Blob(web.bundle)).value_or("")));
  EXPECT_EQ(Digest::Of(Decompress(record.zstd(), record.size()).value()), web.bundle);
  EXPECT_EQ(done.results->back().bundle, web.bundle);
}

TEST_F(HubJobsTest, WhatTheFilesGetWrongIsThePackagesOwn) {
  Begin();
  const std::string commit = FetchedApps();
  RenderJob job = Render(commit, {"web", "nowhere"});
  job.request.mutable_inputs(1)->set_path("nowhere");
  jobs_->Start(job);
  const RenderDone done = Next<RenderDone>();
  ASSERT_TRUE(done.results.ok()) << done.results.status();
  EXPECT_TRUE(done.results->at(0).status.ok());
  EXPECT_EQ(done.results->at(1).status.code(), absl::StatusCode::kNotFound);
}

TEST_F(HubJobsTest, ACommitThatWasNeverFetchedFailsAsAWhole) {
  Begin();
  FetchedApps();
  jobs_->Start(Render(std::string(40, 'd'), {"web"}));
  EXPECT_EQ(Next<RenderDone>().results.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(HubJobsTest, APackageThatKillsTheWorkerHarmsNoOther) {
  Begin();
  const std::string commit = FetchedApps();
  jobs_->Start(Render(commit, {"web", "poison", "db"}));

  const RenderDone done = Next<RenderDone>();

  ASSERT_TRUE(done.results.ok()) << done.results.status();
  ASSERT_EQ(done.results->size(), 3u);
  EXPECT_TRUE(done.results->at(0).status.ok()) << done.results->at(0).status;
  EXPECT_EQ(done.results->at(1).status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(done.results->at(1).status.message(), "package 'poison'"));
  EXPECT_TRUE(done.results->at(2).status.ok()) << done.results->at(2).status;
}

TEST_F(HubJobsTest, ManyThatKillTheWorkerLoseNothingThatWasRenderedBefore) {
  Begin();
  const std::string commit = FetchedApps();
  std::vector<std::string> packages = {"web"};
  packages.insert(packages.end(), 8, "poison");
  jobs_->Start(Render(commit, packages));
  const RenderDone done = Next<RenderDone>();
  ASSERT_TRUE(done.results.ok()) << done.results.status();
  ASSERT_EQ(done.results->size(), 9u);
  EXPECT_TRUE(done.results->at(0).status.ok()) << done.results->at(0).status;
  for (size_t i = 1; i < 9; ++i) EXPECT_FALSE(done.results->at(i).status.ok()) << i;
}

TEST_F(HubJobsTest, AWorkerThatEndsAfterAShortageOfMemoryCostsNoSecondRequest) {
  Begin();
  const std::string commit = FetchedApps();
  for (int i = 0; i < 3; ++i) {
    jobs_->Start(Render(commit, {"hungry"}));
    const RenderDone done = Next<RenderDone>();
    ASSERT_TRUE(done.results.ok()) << done.results.status();
    EXPECT_EQ(done.results->at(0).status.code(), absl::StatusCode::kResourceExhausted);
    jobs_->Start(Render(commit, {"web"}));
    const RenderDone next = Next<RenderDone>();
    ASSERT_TRUE(next.results.ok()) << next.results.status();
    EXPECT_TRUE(next.results->at(0).status.ok()) << next.results->at(0).status;
  }
}

TEST_F(HubJobsTest, ASilentServerStopsNobodyElseAndIsGivenUp) {
  // Long enough for the other fetch on a machine that is busy.
  Begin(/*fetch_timeout=*/absl::Seconds(10));
  const integration::SilentServer silent;
  FetchJob mute = Fetch("mute");
  mute.request.set_url(absl::StrCat("https://localhost:", silent.port(), "/x.git"));
  jobs_->Start(mute);
  GitFixture(PathOf("apps")).Commit("main", {{"web/a.yaml", kWeb}}, "one");
  jobs_->Start(Fetch("apps"));

  // The other one is fetched while the silent server is still waited for.
  const FetchDone first = Next<FetchDone>();
  EXPECT_EQ(first.repository, RepositoryName("apps"));
  EXPECT_TRUE(first.result.ok()) << first.result.status();
  const FetchDone second = Next<FetchDone>();
  EXPECT_EQ(second.repository, RepositoryName("mute"));
  EXPECT_EQ(second.result.status().code(), absl::StatusCode::kDeadlineExceeded)
      << second.result.status();

  jobs_->Start(Fetch("apps"));
  EXPECT_TRUE(Next<FetchDone>().result.ok());
}

TEST_F(HubJobsTest, EndsWhileAFetchHangs) {
  Begin();
  const integration::SilentServer silent;
  FetchJob mute = Fetch("mute");
  mute.request.set_url(absl::StrCat("https://localhost:", silent.port(), "/x.git"));
  jobs_->Start(mute);
  FetchedApps();
  jobs_.reset();  // returns, long before the fetch would
}

TEST_F(HubJobsTest, ACredentialThatIsNotThereIsNamed) {
  Begin();
  FetchJob job = Fetch("apps");
  job.credentials = "apps-git";
  jobs_->Start(job);
  FetchDone done = Next<FetchDone>();
  EXPECT_EQ(done.result.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_TRUE(absl::StrContains(done.result.status().message(), "'apps-git'"));

  // One that was sealed for another name is refused as well.
  pb::PutCredentialRequest put;
  put.set_name("other");
  Batch batch;
  batch.Put(keys::Credential("apps-git"), SealCredential(sealing_key_, put).SerializeAsString());
  CHECK_OK(store_.Commit(batch));
  jobs_->Start(job);
  EXPECT_EQ(Next<FetchDone>().result.status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(HubJobsTest, FilesAreReadOnlyWhereTheHubAllowsIt) {
  Begin();
  GitFixture(PathOf("apps")).Commit("main", {{"web/a.yaml", kWeb}}, "one");
  FetchJob job = Fetch("apps");
  job.request.set_allow_file(false);
  jobs_->Start(job);
  EXPECT_EQ(Next<FetchDone>().result.status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(HubJobsTest, TheRealRenderChildRendersAndCanDoNoMore) {
  Begin();
  const std::string commit = FetchedApps();
  SeededRandom random(1);
  SupervisedChild child({"sandboxed", RenderChildArguments(PathOf("clones"), {})}, &random);
  pb::FetchChildRequest request;
  request.set_id(5);
  *request.mutable_render() = Render(commit, {"web"}).request;
  pb::FetchChildResponse response;

  const auto rendered = child.Call(request.SerializeAsString(), absl::Seconds(60));
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  ASSERT_TRUE(response.ParseFromString(*rendered));
  EXPECT_EQ(response.id(), 5u);
  ASSERT_EQ(response.render().outputs_size(), 1) << response.ShortDebugString();
  EXPECT_EQ(response.render().outputs(0).objects_size(), 1);

  // It can neither read what it was not given nor write a clone.
  *request.mutable_fetch() = Fetch("apps").request;
  request.mutable_fetch()->set_repository("copy");
  const auto fetched = child.Call(request.SerializeAsString(), absl::Seconds(60));
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  ASSERT_TRUE(response.ParseFromString(*fetched));
  EXPECT_NE(response.code(), 0);
  EXPECT_FALSE(std::filesystem::exists(PathOf("clones/copy.git")));
}

TEST_F(HubJobsTest, ChartsAreRenderedBesideTheRenderChild) {
  Begin();
  const std::string program = std::string(getenv("TEST_SRCDIR")) + "/" + getenv("TEST_WORKSPACE") +
                              "/common/helm/fake_helm";
  HelmProgram helm({.path = program, .scratch = PathOf("look")});
  const std::string digest = helm.Identity()->digest;
  GitFixture(PathOf("apps"))
      .Commit("main", {{"web/Chart.yaml", "name: web\n"}, {"web/values.yaml", "a: 1\n"}}, "one");
  jobs_->Start(Fetch("apps"));
  const FetchDone done = Next<FetchDone>();
  ASSERT_TRUE(done.result.ok()) << done.result.status();
  pb::FetchChildRequest request;
  *request.mutable_render() = Render(done.result->commit(), {"web"}).request;
  request.mutable_render()->mutable_inputs(0)->set_renderer(pb::RENDERER_HELM);
  SeededRandom random(1);
  const auto render = [&](const HelmOptions& options) {
    SupervisedChild child({"sandboxed", RenderChildArguments(PathOf("clones"), options)}, &random);
    const auto rendered = child.Call(request.SerializeAsString(), absl::Seconds(60));
    CHECK_OK(rendered);
    pb::FetchChildResponse response;
    CHECK(response.ParseFromString(*rendered));
    CHECK(response.render().outputs_size() == 1) << response.ShortDebugString();
    return response.render().outputs(0);
  };

  const pb::RenderOutput output = render({program, digest, PathOf("helm")});
  EXPECT_EQ(output.code(), 0) << output.message();
  EXPECT_EQ(output.engine(), "helm");
  EXPECT_EQ(output.engine_version(), "9.8.7");
  ASSERT_EQ(output.objects_size(), 1);
  EXPECT_NE(output.objects(0).find("-- web ./chart"), std::string::npos) << output.objects(0);

  const pb::RenderOutput other =
      render({program, "sha256:" + std::string(64, '0'), PathOf("helm")});
  EXPECT_EQ(other.code(), static_cast<int>(absl::StatusCode::kFailedPrecondition));
  const pb::RenderOutput none = render({});
  EXPECT_EQ(none.code(), static_cast<int>(absl::StatusCode::kFailedPrecondition));
  EXPECT_NE(none.message().find("--helm PATH"), std::string::npos);
}

TEST_F(HubJobsTest, IssuesCertificates) {
  Begin();
  IssueJob job;
  job.cluster = ClusterId("c1");
  job.request = 3;
  job.csr_der = "good";
  job.not_after = absl::FromUnixMillis(5'000);
  jobs_->Start(job);
  const CertificateIssued issued = Next<CertificateIssued>();
  EXPECT_EQ(issued.cluster, ClusterId("c1"));
  EXPECT_EQ(issued.request, 3u);
  EXPECT_EQ(*issued.certificate_der, "a certificate");
  EXPECT_EQ(issued.spki, Digest::Of("key"));
  EXPECT_EQ(issued.expires_ms, 5'000);

  job.csr_der = "bad";
  jobs_->Start(job);
  EXPECT_EQ(Next<CertificateIssued>().certificate_der.status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace muster::hub

int main(int argc, char** argv) {
  using namespace muster::hub;  // the program above
  if (auto code = RunAsChild(argc, argv,
                             {{"fetch", &FetchChildMain},
                              {"render", &FragileRenderer},
                              {"sandboxed", &RenderChildMain}})) {
    return *code;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

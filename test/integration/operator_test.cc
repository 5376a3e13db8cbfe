// What people see and do through the operator service, on a real hub with real agents.
#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/net/rpc_status.h"
#include "common/store/rocksdb_store.h"
#include "gtest/gtest.h"
#include "test/integration/world.h"

namespace muster::test {
namespace {

namespace pb = muster::v1;

using Stub = pb::OperatorService::Stub;

class OperatorTest : public testing::Test {
 protected:
  void SetUp() override { hub_.Start(); }

  template <typename Request, typename Response>
  absl::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Minutes(4)));
    return FromGrpc((hub_.operators().*method)(&context, request, response));
  }

  // A cluster called `name` with label env=`env`; no agent runs for it.
  void Enrol(const std::string& name, const std::string& env) {
    pb::CreateTokenRequest request;
    request.set_cluster_name(name);
    pb::Label& label = *request.add_labels();
    label.set_key("env");
    label.set_value(env);
    MemoryStore store;
    ASSERT_TRUE(Join(hub_, hub_.CreateToken(request).token(), name, store).ok());
  }

  std::vector<std::string> Names(const pb::ListClustersResponse& response) {
    std::vector<std::string> names;
    for (const pb::ClusterView& view : response.clusters()) names.push_back(view.name());
    return names;
  }

  TestHub hub_;
};

TEST_F(OperatorTest, ListsClustersByLabelAndPageByPage) {
  for (int i = 1; i <= 5; ++i) Enrol(absl::StrCat("edge-", i), i % 2 == 1 ? "prod" : "dev");
  pb::ListRequest request;
  request.set_selector("env=prod");
  pb::ListClustersResponse response;
  ASSERT_TRUE(Call(&Stub::ListClusters, request, &response).ok());
  EXPECT_EQ(Names(response), (std::vector<std::string>{"edge-1", "edge-3", "edge-5"}));
  EXPECT_EQ(response.total(), 3);
  EXPECT_EQ(response.next_page_token(), "");

  request.set_limit(2);
  ASSERT_TRUE(Call(&Stub::ListClusters, request, &response).ok());
  EXPECT_EQ(Names(response), (std::vector<std::string>{"edge-1", "edge-3"}));
  EXPECT_EQ(response.total(), 3);
  request.set_page_token(response.next_page_token());
  ASSERT_TRUE(Call(&Stub::ListClusters, request, &response).ok());
  EXPECT_EQ(Names(response), (std::vector<std::string>{"edge-5"}));
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(OperatorTest, SaysWhatIsWrongWithAQuestion) {
  pb::ListClustersResponse clusters;
  pb::ListRequest request;
  request.set_name("nobody");
  EXPECT_EQ(Call(&Stub::ListClusters, request, &clusters).code(), absl::StatusCode::kNotFound);
  request.clear_name();
  request.set_selector("env in (");
  EXPECT_EQ(Call(&Stub::ListClusters, request, &clusters).code(),
            absl::StatusCode::kInvalidArgument);
  request.clear_selector();
  request.set_page_token("made up");
  EXPECT_EQ(Call(&Stub::ListClusters, request, &clusters).code(),
            absl::StatusCode::kInvalidArgument);
  pb::ListObjectsResponse objects;
  EXPECT_EQ(Call(&Stub::ListObjects, pb::ListRequest(), &objects).code(),
            absl::StatusCode::kInvalidArgument);
  pb::ListHistoryResponse history;
  EXPECT_EQ(Call(&Stub::ListHistory, pb::ListRequest(), &history).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(OperatorTest, ShowsWhatAClusterRanObjectByObject) {
  TestAgent agent(hub_, "prod-1");
  agent.Start();
  ASSERT_TRUE(Eventually([&] {
    return hub_.Cluster("prod-1").sync() == pb::SYNC_STATUS_SYNCED && agent.Greets("first");
  }));
  pb::ListRequest request;
  request.set_cluster("prod-1");
  pb::ListObjectsResponse objects;
  ASSERT_TRUE(Call(&Stub::ListObjects, request, &objects).ok());
  ASSERT_EQ(objects.objects_size(), 1);
  EXPECT_EQ(objects.total(), 1);
  EXPECT_EQ(objects.objects(0).entry().kind(), "ConfigMap");
  EXPECT_EQ(objects.objects(0).package(), "web");
  EXPECT_EQ(objects.objects(0).sync(), pb::SYNC_STATUS_SYNCED);
  EXPECT_EQ(objects.objects(0).health(), pb::HEALTH_STATUS_HEALTHY);
  EXPECT_EQ(objects.objects(0).source_file(), "web/greeting.yaml");
  EXPECT_EQ(objects.objects(0).source_line(), 1);

  pb::GetBlobRequest blob;
  blob.set_digest(objects.objects(0).entry().digest());
  pb::GetBlobResponse content;
  ASSERT_TRUE(Call(&Stub::GetBlob, blob, &content).ok());
  EXPECT_TRUE(absl::StrContains(content.content(), "\"text\":\"first\"")) << content.content();

  pb::ListHistoryResponse history;
  ASSERT_TRUE(Call(&Stub::ListHistory, request, &history).ok());
  ASSERT_EQ(history.entries_size(), 1);
  EXPECT_EQ(history.entries(0).package(), "web");
  EXPECT_EQ(history.entries(0).subject(), "first");
  EXPECT_EQ(history.entries(0).author(), "Test <test@example.com>");

  pb::ListCommitsResponse commits;
  pb::ListRequest of_apps;
  of_apps.set_repository("apps");
  ASSERT_TRUE(Call(&Stub::ListCommits, of_apps, &commits).ok());
  ASSERT_EQ(commits.commits_size(), 1);
  EXPECT_EQ(commits.commits(0).clusters_applied(), 1);
}

TEST_F(OperatorTest, NamesTheObjectThatCannotBeWritten) {
  TestAgent agent(hub_, "prod-1");
  agent.Start();
  ASSERT_TRUE(Eventually([&] { return agent.Greets("first"); }));
  const auto key = agent.cluster().Objects().begin()->first;
  agent.cluster().FailObject(key, absl::UnavailableError("disk on fire"));
  WriteGreeting(hub_.repository(), "second");
  hub_.repository().Commit("second");
  hub_.Sync();
  pb::ListRequest request;
  request.set_cluster("prod-1");
  pb::ListObjectsResponse objects;
  EXPECT_TRUE(Eventually([&] {
    return Call(&Stub::ListObjects, request, &objects).ok() && objects.objects_size() == 1 &&
           absl::StrContains(objects.objects(0).problem().message(), "disk on fire");
  })) << objects.DebugString();
  EXPECT_EQ(objects.objects(0).sync(), pb::SYNC_STATUS_OUT_OF_SYNC);
  agent.cluster().FailObject(key, absl::OkStatus());
  EXPECT_TRUE(Eventually([&] { return agent.Greets("second"); }));
}

TEST_F(OperatorTest, TellsAWatcherAtOnceAndWhenSomethingChanges) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Minutes(4)));
  const auto watch = hub_.operators().Watch(&context, pb::WatchRequest());
  pb::WatchNotice first;
  ASSERT_TRUE(watch->Read(&first));
  hub_.TokenFor("prod-1");
  MemoryStore store;
  ASSERT_TRUE(Join(hub_, hub_.TokenFor("prod-2"), "prod-2", store).ok());
  pb::WatchNotice second;
  ASSERT_TRUE(watch->Read(&second));
  EXPECT_GT(second.version(), first.version());
  context.TryCancel();
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(OperatorTest, KeepsACredentialSealedAndToItself) {
  pb::PutCredentialRequest credential;
  credential.set_name("apps-git");
  credential.set_username("deploy");
  credential.set_password("correct horse battery staple");
  pb::DoneResponse done;
  ASSERT_TRUE(Call(&Stub::PutCredential, credential, &done).ok());
  EXPECT_FALSE(absl::StrContains(done.message(), "horse"));
  credential.set_name("../escape");
  EXPECT_EQ(Call(&Stub::PutCredential, credential, &done).code(),
            absl::StatusCode::kInvalidArgument);

  pb::ListEventsResponse events;
  ASSERT_TRUE(Call(&Stub::ListEvents, pb::ListRequest(), &events).ok());
  EXPECT_FALSE(absl::StrContains(events.DebugString(), "horse"));
  hub_.Stop();
  RocksdbStoreOptions options;
  options.directory = hub_.options().data_directory + "/store";
  const auto store = OpenRocksdbStore(options);
  ASSERT_TRUE(store.ok()) << store.status();
  const auto records = (*store)->Scan("");
  ASSERT_TRUE(records.ok());
  bool found = false;
  for (const Record& record : *records) {
    found = found || record.key == "credential/apps-git";
    EXPECT_FALSE(absl::StrContains(record.value, "horse")) << record.key;
  }
  EXPECT_TRUE(found);
}

TEST_F(OperatorTest, ASuspendedClusterIsLeftAlone) {
  TestAgent agent(hub_, "prod-1");
  agent.Start();
  ASSERT_TRUE(Eventually([&] { return agent.Greets("first"); }));
  pb::SuspendRequest suspend;
  suspend.set_kind("cluster");
  suspend.set_name("prod-1");
  suspend.set_suspended(true);
  suspend.set_reason("maintenance");
  pb::DoneResponse done;
  ASSERT_TRUE(Call(&Stub::Suspend, suspend, &done).ok());
  // Read your own write.
  EXPECT_TRUE(hub_.Cluster("prod-1").suspended());
  suspend.set_suspended(false);
  ASSERT_TRUE(Call(&Stub::Suspend, suspend, &done).ok());
  EXPECT_FALSE(hub_.Cluster("prod-1").suspended());
}

TEST_F(OperatorTest, EventsSayWhoDidWhat) {
  Enrol("prod-1", "prod");
  hub_.Revoke("prod-1");
  pb::ListRequest request;
  request.set_cluster("prod-1");
  pb::ListEventsResponse events;
  ASSERT_TRUE(Call(&Stub::ListEvents, request, &events).ok());
  ASSERT_GE(events.events_size(), 2);
  // Newest first.
  EXPECT_EQ(events.events(0).reason(), "ClusterRevoked");
  EXPECT_EQ(events.events(0).actor(), "admin");
  EXPECT_GE(events.events(0).number(), events.events(1).number());
}

}  // namespace
}  // namespace muster::test

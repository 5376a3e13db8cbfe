// The real client against a service on loopback, with real handshakes.
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/hub_client.h"
#include "common/base/check.h"
#include "common/base/mutex.h"
#include "common/net/tls.h"
#include "common/trust/authority.h"
#include "common/trust/certificate.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/operator_service.grpc.pb.h"

namespace muster::cli {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kLong = absl::Seconds(20);

Validity Today() { return ValidFrom(absl::Now(), absl::Hours(24)); }

template <typename Issue>
TlsKeyPair KeyPair(Issue issue) {
  const P256Key key = P256Key::Generate();
  const absl::StatusOr<std::string> der = issue(MakeCsr(key));
  CHECK_OK(der);
  return {.certificate_pem = CertificateToPem(*der), .private_key_pem = key.ToPem()};
}

TlsKeyPair OperatorOf(const CertificateAuthority& authority, Validity validity = Today()) {
  return KeyPair(
      [&](const std::string& csr) { return authority.IssueOperator(csr, "ada", validity); });
}

// Refuses one name, counts its notices, and ends no watch before it stops.
class Service final : public pb::OperatorService::Service {
 public:
  grpc::Status ListClusters(grpc::ServerContext*, const pb::ListRequest* request,
                            pb::ListClustersResponse* response) override {
    if (request->name() == "secret") {
      return grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "not for ada");
    }
    response->add_clusters()->set_name(absl::StrCat("answer to ", request->selector()));
    return grpc::Status::OK;
  }

  grpc::Status Watch(grpc::ServerContext*, const pb::WatchRequest*,
                     grpc::ServerWriter<pb::WatchNotice>* writer) override {
    for (uint64_t version = 1; version <= 2; ++version) {
      pb::WatchNotice notice;
      notice.set_version(version);
      writer->Write(notice);
    }
    MutexLock lock(mutex_);
    while (!stopping_) stops_.Wait(mutex_);
    return grpc::Status(grpc::StatusCode::CANCELLED, "");
  }

  // Ends all watches, as a hub does that stops.
  void Stop() {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
    }
    stops_.SignalAll();
  }

 private:
  Mutex mutex_;
  CondVar stops_;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

class HubClientTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { PrepareGrpc(); }

  void SetUp() override {
    const TlsKeyPair server =
        KeyPair([&](const std::string& csr) { return authority_.IssueServer(csr, {}, Today()); });
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", MutualTlsServer(root_pem_, server), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }

  // A server waits for its calls, whether their callers are still there or not.
  void TearDown() override { service_.Stop(); }

  std::unique_ptr<HubClient> Connect(const std::string& root_pem, const TlsKeyPair& who,
                                     absl::Duration timeout = kLong) const {
    auto client = ConnectHub({.address = absl::StrCat("127.0.0.1:", port_),
                              .ca_pem = root_pem,
                              .certificate_pem = who.certificate_pem,
                              .key_pem = who.private_key_pem},
                             timeout);
    CHECK_OK(client);
    return *std::move(client);
  }

  const CertificateAuthority authority_ =
      CertificateAuthority::Create("muster root", ValidFrom(absl::Now(), absl::Hours(48)));
  const CertificateAuthority stranger_ =
      CertificateAuthority::Create("another root", ValidFrom(absl::Now(), absl::Hours(48)));
  const std::string root_pem_ = CertificateToPem(authority_.root_der());
  Service service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(HubClientTest, AsksAndBringsTheAnswer) {
  const auto client = Connect(root_pem_, OperatorOf(authority_));
  pb::ListRequest request;
  request.set_selector("env=prod");
  EXPECT_EQ(client->ListClusters(request)->clusters(0).name(), "answer to env=prod");
}

TEST_F(HubClientTest, KeepsTheHubsOwnWords) {
  const auto client = Connect(root_pem_, OperatorOf(authority_));
  pb::ListRequest request;
  request.set_name("secret");
  const absl::Status status = client->ListClusters(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(status.message(), "not for ada");
}

TEST_F(HubClientTest, WatchesUntilItHasSeenEnough) {
  const auto client = Connect(root_pem_, OperatorOf(authority_));
  uint64_t last = 0;
  const absl::Status status =
      client->Watch(absl::Now() + kLong, [&](const pb::WatchNotice& notice) {
        last = notice.version();
        return last < 2;
      });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(last, 2u);
}

TEST_F(HubClientTest, WatchesNoLongerThanItsDeadline) {
  const auto client = Connect(root_pem_, OperatorOf(authority_));
  const auto go_on = [](const pb::WatchNotice&) { return true; };
  EXPECT_EQ(client->Watch(absl::Now() + absl::Milliseconds(200), go_on).code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(HubClientTest, TakesAHubThatStopsForAnOutage) {
  const auto client = Connect(root_pem_, OperatorOf(authority_));
  const absl::Status status =
      client->Watch(absl::Now() + kLong, [&](const pb::WatchNotice& notice) {
        if (notice.version() == 2) service_.Stop();
        return true;
      });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "the hub is stopping");
}

TEST_F(HubClientTest, SaysThatNobodyListens) {
  server_->Shutdown();
  server_.reset();
  const absl::Status status =
      Connect(root_pem_, OperatorOf(authority_))->ListClusters(pb::ListRequest()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "connection refused: nothing listens there");
}

TEST_F(HubClientTest, TrustsNoOtherHub) {
  const absl::Status status =
      Connect(CertificateToPem(stranger_.root_der()), OperatorOf(authority_))
          ->ListClusters(pb::ListRequest())
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("not by this context's authority"));
}

TEST_F(HubClientTest, IsNotTrustedWithAnotherHubsCertificate) {
  const absl::Status status =
      Connect(root_pem_, OperatorOf(stranger_))->ListClusters(pb::ListRequest()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("does not accept this context's certificate"));
}

TEST_F(HubClientTest, SaysThatItsCertificateHasExpired) {
  const Validity over = {.not_before = absl::Now() - absl::Hours(48),
                         .not_after = absl::Now() - absl::Hours(24)};
  const absl::Status status =
      Connect(root_pem_, OperatorOf(authority_, over))->ListClusters(pb::ListRequest()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("this context's certificate expired at"));
}

TEST_F(HubClientTest, SaysThatAHostHasNoSuchName) {
  const auto client = ConnectHub({.address = "hub.example.invalid:1",
                                  .ca_pem = root_pem_,
                                  .certificate_pem = OperatorOf(authority_).certificate_pem,
                                  .key_pem = "none"},
                                 kLong);
  ASSERT_TRUE(client.ok());
  const absl::Status status = (*client)->ListClusters(pb::ListRequest()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "the host's name cannot be resolved");
}

TEST_F(HubClientTest, SaysThatAnotherProgramListensThere) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  Service other;
  builder.RegisterService(&other);
  const std::unique_ptr<grpc::Server> plain = builder.BuildAndStart();
  port_ = port;
  const absl::Status status =
      Connect(root_pem_, OperatorOf(authority_))->ListClusters(pb::ListRequest()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("does not speak TLS"));
}

TEST(ConnectHub, RefusesHalfOfACredential) {
  EXPECT_FALSE(ConnectHub({.address = "127.0.0.1:1", .ca_pem = "x"}, kLong).ok());
}

}  // namespace
}  // namespace muster::cli

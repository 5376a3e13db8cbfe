// Who may talk to whom, over loopback with real handshakes. The server stands for the hub's
// listeners; a call that reaches its handler is counted.
#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/net/grpc_log.h"
#include "common/net/rpc_status.h"
#include "common/net/tls.h"
#include "common/trust/authority.h"
#include "proto/join_service.grpc.pb.h"

namespace muster {
namespace {

namespace pb = muster::v1;
using testing::HasSubstr;

constexpr char kCluster[] = "0123456789abcdef0123456789abcdef";
constexpr absl::Duration kDay = absl::Hours(24);

// gRPC compares certificates with the real clock.
Validity Today() { return ValidFrom(absl::Now(), kDay); }

CertificateAuthority Authority() {
  return CertificateAuthority::Create("muster root", ValidFrom(absl::Now(), 10 * kDay));
}

// The key pair of whatever `issue` makes of a fresh key's request.
template <typename Issue>
TlsKeyPair KeyPair(Issue issue) {
  const P256Key key = P256Key::Generate();
  const absl::StatusOr<std::string> der = issue(MakeCsr(key));
  CHECK_OK(der);
  return {.certificate_pem = CertificateToPem(*der), .private_key_pem = key.ToPem()};
}

TlsKeyPair ServerOf(const CertificateAuthority& authority) {
  return KeyPair([&](const std::string& csr) { return authority.IssueServer(csr, {}, Today()); });
}

TlsKeyPair ClusterOf(const CertificateAuthority& authority, Validity validity = Today()) {
  return KeyPair(
      [&](const std::string& csr) { return authority.IssueCluster(csr, kCluster, validity); });
}

// Answers with what PeerIdentityOf says of the caller.
class Handler final : public pb::JoinService::Service {
 public:
  explicit Handler(std::string hub_id) : hub_id_(std::move(hub_id)) {}

  grpc::Status Enroll(grpc::ServerContext* context, const pb::EnrollRequest*,
                      pb::EnrollResponse* response) override {
    ++calls_;
    const auto peer = PeerIdentityOf(*context->auth_context(), hub_id_);
    if (!peer.ok()) return ToGrpc(peer.status());
    response->set_cluster_name(IdentityUri(peer->identity));
    response->set_cluster_id(peer->spki.hex());
    return grpc::Status::OK;
  }

  int calls() const { return calls_; }

 private:
  const std::string hub_id_;
  std::atomic<int> calls_ = 0;
};

class Net : public testing::Test {
 protected:
  static void SetUpTestSuite() { PrepareGrpc(); }

  void Start(std::shared_ptr<grpc::ServerCredentials> credentials) {
    grpc::ServerBuilder builder;
    LimitServer(builder);
    builder.AddListeningPort("127.0.0.1:0", std::move(credentials), &port_);
    builder.RegisterService(&handler_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  void StartMutual() { Start(MutualTlsServer(root_pem_, ServerOf(authority_))); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  absl::StatusOr<pb::EnrollResponse> Call(const std::shared_ptr<grpc::Channel>& channel,
                                          const pb::EnrollRequest& request = {}) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
    pb::EnrollResponse response;
    const grpc::Status status =
        pb::JoinService::NewStub(channel)->Enroll(&context, request, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }

  void ExpectRefusedBeforeAnyHandler(const std::shared_ptr<grpc::Channel>& channel) {
    EXPECT_EQ(Call(channel).status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(handler_.calls(), 0);
  }

  const CertificateAuthority authority_ = Authority();
  const std::string root_pem_ = CertificateToPem(authority_.root_der());
  Handler handler_{authority_.hub_id()};
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

TEST_F(Net, LetsAClusterInAndKnowsWhoItIs) {
  StartMutual();
  const TlsKeyPair cluster = ClusterOf(authority_);
  const auto response = Call(DialHub(address(), root_pem_, cluster));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->cluster_name(),
            absl::StrCat("spiffe://", authority_.hub_id(), "/cluster/", kCluster));
  EXPECT_EQ(response->cluster_id(), P256Key::FromPem(cluster.private_key_pem)->Spki().hex());
}

TEST_F(Net, LetsAnOperatorInAndKnowsWhoItIs) {
  StartMutual();
  const TlsKeyPair anna = KeyPair(
      [&](const std::string& csr) { return authority_.IssueOperator(csr, "anna", Today()); });
  const auto response = Call(DialHub(address(), root_pem_, anna));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(response->cluster_name(), HasSubstr("/operator/anna"));
}

TEST_F(Net, RefusesACallerWithoutCertificate) {
  StartMutual();
  ExpectRefusedBeforeAnyHandler(DialHub(address(), root_pem_, std::nullopt));
}

TEST_F(Net, RefusesAnotherHubsCluster) {
  StartMutual();
  const CertificateAuthority other = Authority();
  ExpectRefusedBeforeAnyHandler(DialHub(address(), root_pem_, ClusterOf(other)));
}

TEST_F(Net, RefusesExpiredAndFutureCertificates) {
  StartMutual();
  const absl::Time now = absl::Now();
  ExpectRefusedBeforeAnyHandler(
      DialHub(address(), root_pem_, ClusterOf(authority_, {now - kDay, now - absl::Minutes(1)})));
  ExpectRefusedBeforeAnyHandler(
      DialHub(address(), root_pem_, ClusterOf(authority_, {now + kDay, now + 2 * kDay})));
}

TEST_F(Net, RefusesACertificateThatIsForServersOnly) {
  StartMutual();
  ExpectRefusedBeforeAnyHandler(DialHub(address(), root_pem_, ServerOf(authority_)));
}

TEST_F(Net, RefusesTheSignersCertificate) {
  StartMutual();
  const Ed25519PrivateKey key = Ed25519PrivateKey::Generate();
  const TlsKeyPair signer{
      .certificate_pem = CertificateToPem(*authority_.IssueSigner(key.public_key(), Today())),
      .private_key_pem = key.ToPem()};
  ExpectRefusedBeforeAnyHandler(DialHub(address(), root_pem_, signer));
}

// A stolen certificate is worth nothing without its key.
TEST_F(Net, RefusesACertificateWithAnothersKey) {
  StartMutual();
  TlsKeyPair mixed = ClusterOf(authority_);
  mixed.private_key_pem = P256Key::Generate().ToPem();
  EXPECT_FALSE(Call(DialHub(address(), root_pem_, mixed)).ok());
  EXPECT_EQ(handler_.calls(), 0);
}

TEST_F(Net, RefusesPlaintext) {
  StartMutual();
  ExpectRefusedBeforeAnyHandler(grpc::CreateChannel(address(), grpc::InsecureChannelCredentials()));
}

// ---------------------------------------------------------------- the agent's side

TEST_F(Net, RefusesAServerOfAnotherRoot) {
  const CertificateAuthority other = Authority();
  Start(JoinTlsServer(ServerOf(other)));
  ExpectRefusedBeforeAnyHandler(DialHub(address(), root_pem_, std::nullopt));
}

// An enrolled cluster must not be able to play the hub towards others.
TEST_F(Net, RefusesAClusterThatPlaysTheHub) {
  Start(JoinTlsServer(ClusterOf(authority_)));
  ExpectRefusedBeforeAnyHandler(DialHub(address(), root_pem_, std::nullopt));
}

TEST_F(Net, RefusesAnExpiredServer) {
  const absl::Time now = absl::Now();
  Start(JoinTlsServer(KeyPair([&](const std::string& csr) {
    return authority_.IssueServer(csr, {}, {now - kDay, now - absl::Minutes(1)});
  })));
  ExpectRefusedBeforeAnyHandler(DialHub(address(), root_pem_, std::nullopt));
}

TEST_F(Net, NeverSendsPlaintext) {
  Start(grpc::InsecureServerCredentials());
  ExpectRefusedBeforeAnyHandler(DialHub(address(), root_pem_, ClusterOf(authority_)));
}

// ---------------------------------------------------------------- the join listener

TEST_F(Net, JoinListenerServesCallersWithoutIdentity) {
  Start(JoinTlsServer(ServerOf(authority_)));
  const auto response = Call(DialHub(address(), root_pem_, std::nullopt));
  EXPECT_EQ(response.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(response.status().message(), HasSubstr("no certificate"));
  EXPECT_EQ(handler_.calls(), 1);
}

// The handshake's result for a client that speaks exactly `version`.
bool Handshake(const std::string& address, int version) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_clear_options(context,
                        SSL_OP_NO_TLSv1_2);  // PrepareGrpc binds this process's clients too
  CHECK(SSL_CTX_set_min_proto_version(context, version) == 1);
  CHECK(SSL_CTX_set_max_proto_version(context, version) == 1);
  const unsigned char kAlpn[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context, kAlpn, sizeof(kAlpn));
  BIO* connection = BIO_new_ssl_connect(context);
  BIO_set_conn_hostname(connection, address.c_str());
  const bool done = BIO_do_handshake(connection) == 1;
  BIO_free_all(connection);
  SSL_CTX_free(context);
  return done;
}

TEST_F(Net, SpeaksTls13Only) {
  Start(JoinTlsServer(ServerOf(authority_)));
  EXPECT_TRUE(Handshake(address(), TLS1_3_VERSION));
  EXPECT_FALSE(Handshake(address(), TLS1_2_VERSION));
  EXPECT_FALSE(Handshake(address(), TLS1_1_VERSION));
}

// ---------------------------------------------------------------- limits

TEST_F(Net, RefusesAMessageOverItsLimit) {
  Start(JoinTlsServer(ServerOf(authority_)));
  pb::EnrollRequest request;
  request.set_proof(std::string(limits::kMessageBytesMax + 1, 'x'));
  const auto channel = DialHub(address(), root_pem_, std::nullopt);
  EXPECT_EQ(Call(channel, request).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(handler_.calls(), 0);
}

TEST_F(Net, RefusesASecondServerOnThePort) {
  StartMutual();
  grpc::ServerBuilder builder;
  LimitServer(builder);
  builder.RegisterService(&handler_);
  int port = 0;
  builder.AddListeningPort(address(), JoinTlsServer(ServerOf(authority_)), &port);
  EXPECT_EQ(builder.BuildAndStart(), nullptr);
}

// ---------------------------------------------------------------- the log

TEST(GrpcLog, BecomesLinesOfOurs) {
  RouteGrpcLog();
  testing::internal::CaptureStderr();
  gpr_log(GPR_ERROR, "handshake failed: %s", "no\ncertificate");
  gpr_log(GPR_INFO, "chatter");
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_THAT(lines, HasSubstr("warning grpc"));
  EXPECT_THAT(lines, HasSubstr("handshake failed: no"));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1) << lines;
}

// ---------------------------------------------------------------- statuses

TEST(RpcStatus, PassesEveryCodeBothWays) {
  for (int code = 0; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), code == 0 ? "" : "why");
    EXPECT_EQ(FromGrpc(ToGrpc(status)), status);
  }
  EXPECT_EQ(ToGrpc(absl::NotFoundError("x")).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(FromGrpc(grpc::Status(static_cast<grpc::StatusCode>(99), "x")),
            absl::UnknownError("x"));
}

}  // namespace
}  // namespace muster

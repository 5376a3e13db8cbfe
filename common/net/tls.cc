#include "common/net/tls.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>
#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/ssl.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/trust/certificate.h"

namespace muster {
namespace {

// gRPC has no setting for the version of TLS and overrides OpenSSL's MinProtocol, but it starts
// from OpenSSL's defaults, and what those switch off stays off.
constexpr char kTlsDefaults[] =
    "openssl_conf = main\n"
    "[main]\n"
    "ssl_conf = ssl\n"
    "[ssl]\n"
    "system_default = defaults\n"
    "[defaults]\n"
    "Protocol = -TLSv1.2, -TLSv1.1, -TLSv1\n"
    "CipherString = DEFAULT@SECLEVEL=2\n";

constexpr int kMetadataBytesMax = 8 << 10;
// Small frames and reads make small buffers: each connection holds some.
constexpr int kTlsFrameBytes = 4 << 10;
constexpr int kReadBytes = 4 << 10;
// An answer to a person may list a whole fleet.
constexpr int kAnswerBytesMax = 4 * static_cast<int>(limits::kMessageBytesMax);

constexpr absl::Duration kKeepalive = absl::Seconds(60);
constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(20);
// A peer that pings more often than this is cut off after two strikes.
constexpr absl::Duration kPingIntervalMin = absl::Seconds(30);

// How long one attempt to connect may take, handshake included; and how long to wait after one
// that failed. Who dials adds its own jittered backoff.
constexpr absl::Duration kConnectTimeout = absl::Seconds(10);
constexpr absl::Duration kReconnectFirst = absl::Milliseconds(200);
constexpr absl::Duration kReconnectMax = absl::Seconds(1);

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

using SslContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Conf = std::unique_ptr<CONF, decltype(&NCONF_free)>;

void CheckTls13() {
  const SslContext context(SSL_CTX_new(TLS_method()), &SSL_CTX_free);
  CHECK(context != nullptr && (SSL_CTX_get_options(context.get()) & SSL_OP_NO_TLSv1_2) != 0)
      << "PrepareGrpc was not called";
}

std::shared_ptr<grpc::ServerCredentials> Server(const TlsKeyPair& server,
                                                const std::string& root_pem,
                                                grpc_ssl_client_certificate_request_type request) {
  CheckTls13();
  grpc::SslServerCredentialsOptions options(request);
  options.pem_root_certs = root_pem;
  options.pem_key_cert_pairs.push_back({server.private_key_pem, server.certificate_pem});
  return grpc::SslServerCredentials(options);
}

}  // namespace

void PrepareGrpc() {
  // Debian builds Abseil as for debugging.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // The system's own configuration first, because it would replace ours when it came later.
  CHECK(OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, nullptr) == 1);
  const Bio text(BIO_new_mem_buf(kTlsDefaults, -1), &BIO_free);
  const Conf conf(NCONF_new(nullptr), &NCONF_free);
  CHECK(text != nullptr && conf != nullptr);
  CHECK(NCONF_load_bio(conf.get(), text.get(), nullptr) == 1);
  CHECK(CONF_modules_load(conf.get(), nullptr, 0) == 1);
  CheckTls13();
}

std::shared_ptr<grpc::ServerCredentials> MutualTlsServer(const std::string& root_pem,
                                                         const TlsKeyPair& server) {
  CHECK(!root_pem.empty());  // gRPC would take it for the web's authorities
  return Server(server, root_pem, GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
}

std::shared_ptr<grpc::ServerCredentials> JoinTlsServer(const TlsKeyPair& server) {
  return Server(server, "", GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
}

void LimitServer(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits::kMessageBytesMax));
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             Milliseconds(limits::kHandshakeTimeout));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits::kStreamsPerConnectionMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  builder.AddChannelArgument(GRPC_ARG_TSI_MAX_FRAME_SIZE, kTlsFrameBytes);
  builder.AddChannelArgument(GRPC_ARG_TCP_READ_CHUNK_SIZE, kReadBytes);
  builder.AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, kReadBytes);
  // A probe of the bandwidth is a ping with every message; ours are small.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(kKeepalive));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(kKeepaliveTimeout));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             Milliseconds(kPingIntervalMin));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 2);
  // A second hub on the same port must fail to start, not take half of the connections.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

std::shared_ptr<grpc::Channel> DialHub(const std::string& address, const std::string& root_pem,
                                       const std::optional<TlsKeyPair>& client) {
  CheckTls13();
  CHECK(!root_pem.empty());  // gRPC would take it for the web's authorities
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = root_pem;
  if (client.has_value()) {
    options.pem_cert_chain = client->certificate_pem;
    options.pem_private_key = client->private_key_pem;
  }
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride(std::string(kHubServerName));
  arguments.SetMaxReceiveMessageSize(kAnswerBytesMax);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  arguments.SetInt(GRPC_ARG_TSI_MAX_FRAME_SIZE, kTlsFrameBytes);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(kKeepalive));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(kKeepaliveTimeout));
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, Milliseconds(kConnectTimeout));
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, Milliseconds(kReconnectFirst));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Milliseconds(kReconnectMax));
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
}

absl::StatusOr<PeerIdentity> PeerIdentityOf(const grpc::AuthContext& context,
                                            const std::string& hub_id) {
  const std::vector<grpc::string_ref> certificates =
      context.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (certificates.size() != 1) {
    return absl::UnauthenticatedError("the caller has shown no certificate");
  }
  const auto refuse = [](const absl::Status& why) {
    return absl::UnauthenticatedError(
        absl::StrCat("the caller's certificate is refused: ", why.message()));
  };
  const absl::StatusOr<std::string> der = CertificateFromPem(
      absl::string_view(certificates.front().data(), certificates.front().size()));
  if (!der.ok()) return refuse(der.status());
  const absl::StatusOr<CertificateInfo> info = ParseCertificate(*der);
  if (!info.ok()) return refuse(info.status());
  absl::StatusOr<Identity> identity = IdentityOf(*info);
  if (!identity.ok()) return refuse(identity.status());
  if (identity->hub_id != hub_id) {
    return absl::UnauthenticatedError("the caller's certificate is another hub's");
  }
  if (identity->kind == Identity::Kind::kSigner) {
    return absl::UnauthenticatedError("the caller's certificate is for signing only");
  }
  return PeerIdentity{.identity = *std::move(identity), .spki = info->spki};
}

}  // namespace muster

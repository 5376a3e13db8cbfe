// Console: what a browser, Prometheus and a script see of the hub: the dashboard's files, the HTTP
// API, a stream of changes, metrics and health, on one listener with limits and threads of its own.
//
//   Console console(options);
//   RETURN_IF_ERROR(console.Start());
//   console.Sweep();                 // about once a second: tells browsers that something changed
//   console.CreateLogin("ada");      // a code that opens a session; see console_service.h
//
// Everything but the pages' files, /openapi.json, /healthz, /readyz and the exchange of a code
// wants an operator's certificate or a session. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/net/tls.h"
#include "common/store/store.h"
#include "hub/core/fleet_view.h"
#include "hub/core/outbox.h"
#include "hub/http/sessions.h"
#include "hub/rpc/audit_seal.h"
#include "hub/rpc/views.h"

namespace muster::hub {

struct ConsoleOptions {
  std::string address;  // host:port to listen on
  std::string url;      // as browsers reach it: "https://localhost:7446"
  TlsKeyPair server;
  bool private_authority = true;  // `server` is by the hub's root
  std::string root_pem;
  std::string hub_id;
  HubPlace place;

  // The fleet as it is now. Any thread.
  std::function<std::shared_ptr<const FleetView>()> view;

  // Hands a question to the core for `actor`; `then` gets the answer, on a thread that must not
  // wait. Any thread.
  std::function<void(std::string actor, OperatorCommand command,
                     std::function<void(absl::StatusOr<OperatorAnswer>)> then)>
      ask;

  AuditSeal seal;

  // These outlive the console.
  const Store* store = nullptr;
  const Clock* clock = nullptr;
  Random* random = nullptr;
};

class Console {
 public:
  explicit Console(ConsoleOptions options);
  ~Console();  // stops

  // As HttpServer::Start.
  absl::Status Start();
  void Stop();

  // Tells the browsers when the picture has changed since they were told.
  void Sweep();

  absl::StatusOr<Sessions::Code> CreateLogin(const std::string& actor);
  const std::string& url() const;
  bool private_authority() const;
  // SHA-256 of the certificate that it shows, in hexadecimal.
  std::string fingerprint() const;

 private:
  class Desk;
  std::unique_ptr<Desk> desk_;
};

}  // namespace muster::hub

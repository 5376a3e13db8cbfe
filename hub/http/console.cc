#include "hub/http/console.h"

#include <atomic>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/notification.h"
#include "common/base/digest.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/loop/workers.h"
#include "common/manifest/json.h"
#include "common/trust/certificate.h"
#include "hub/http/api.h"
#include "hub/http/files.h"
#include "hub/http/gzip.h"
#include "hub/http/http_server.h"
#include "hub/http/message.h"
#include "hub/http/metrics.h"
#include "hub/http/reviews.h"

namespace muster::hub {
namespace {

constexpr int kThreads = 2;
constexpr size_t kQueueMax = 128;
constexpr size_t kGzipBytesMin = 1'024;
constexpr int kGzipQuick = 1;
constexpr int kGzipBest = 9;
constexpr absl::string_view kSessionPath = "/api/v1/session";
constexpr absl::string_view kPlanPath = "/api/v1/plan";
constexpr absl::Duration kAskTimeout = absl::Seconds(10);

// For every answer. No outside resource, nothing inline, no frame.
constexpr std::pair<absl::string_view, absl::string_view> kHeaders[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
     "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
};

std::shared_ptr<const std::string> Shared(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

HttpResponse Plain(int status, absl::string_view text) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = Shared(absl::StrCat(text, "\n"));
  return response;
}

HttpResponse Json(std::string text) {
  HttpResponse response;
  response.content_type = "application/json";
  response.body = Shared(std::move(text));
  return response;
}

HttpResponse Problem(const absl::Status& status) {
  HttpResponse response;
  response.status = HttpStatusOf(status);
  response.content_type = "application/problem+json";
  response.body = Shared(ProblemJson(status));
  return response;
}

std::string ContentType(absl::string_view path) {
  if (absl::EndsWith(path, ".html")) return "text/html; charset=utf-8";
  if (absl::EndsWith(path, ".js")) return "text/javascript; charset=utf-8";
  if (absl::EndsWith(path, ".css")) return "text/css; charset=utf-8";
  if (absl::EndsWith(path, ".svg")) return "image/svg+xml";
  return "application/octet-stream";
}

std::string EtagOf(absl::string_view content) {
  return absl::StrCat("W/\"", Digest::Of(content).short_hex(), "\"");
}

// A file of the dashboard, ready to be sent.
struct ReadyFile {
  std::shared_ptr<const std::string> plain;
  std::shared_ptr<const std::string> gzip;
  std::string type;
  std::string etag;
};

// The pages are one document, which looks at the address itself.
bool IsPage(absl::string_view path) {
  for (absl::string_view page : {"/clusters/", "/packages/", "/rollouts/"}) {
    if (absl::StartsWith(path, page)) return true;
  }
  return path == "/" || path == "/packages" || path == "/repositories" || path == "/events" ||
         path == "/snowflakes" || path == "/rollouts" || path == "/plan" || path == "/audit" ||
         path == "/login";
}

}  // namespace

class Console::Desk {
 public:
  explicit Desk(ConsoleOptions given)
      : options(std::move(given)),
        sessions(*options.clock, *options.random),
        // Browsers know hosts, not ports: two hubs of one machine need two names.
        cookie_(absl::StrCat("__Host-muster-", options.hub_id.substr(0, 8))) {
    for (const WebFile& file : WebFiles()) {
      files_[file.path] = {Shared(std::string(file.content)), Shared(Gzip(file.content, kGzipBest)),
                           ContentType(file.path), EtagOf(file.content)};
    }
    const std::string document = OpenApiJson();
    files_["/openapi.json"] = {Shared(document), Shared(Gzip(document, kGzipBest)),
                               "application/json", EtagOf(document)};
  }

  absl::Status Start() {
    HttpServerOptions server_options;
    server_options.address = options.address;
    server_options.server = options.server;
    server_options.root_pem = options.root_pem;
    server_options.answer = [this](HttpRequest request, std::function<void(HttpResponse)> reply) {
      Take(std::move(request), std::move(reply));
    };
    server_options.refused = [this] { figures_.Refused(); };
    ASSIGN_OR_RETURN(server_, HttpServer::Listen(std::move(server_options)));
    server_->Start();  // only now: an answer may ask it for its figures
    return absl::OkStatus();
  }

  void Stop() {
    if (server_ != nullptr) server_->Stop();
    workers_.Stop();
  }

  void Sweep() {
    const uint64_t version = options.view()->version();
    if (told_.exchange(version) != version && server_ != nullptr) server_->Publish(Change(version));
  }

  const ConsoleOptions options;
  Sessions sessions;

 private:
  static std::string Change(uint64_t version) {
    return absl::StrCat("event: change\nid: ", version, "\ndata: ", version, "\n\n");
  }

  // On the server's thread.
  void Take(HttpRequest request, std::function<void(HttpResponse)> reply) {
    const absl::Time begun = options.clock->Now();
    const auto finish = [this, begun, reply = std::move(reply)](HttpResponse response) {
      for (const auto& [name, value] : kHeaders) response.headers.emplace_back(name, value);
      figures_.Answered(response.status, options.clock->Now() - begun);
      reply(std::move(response));
    };
    const bool room = workers_.queued() < kQueueMax;
    if (room && workers_.Run([this, request = std::move(request), finish] {
          if (request.path == kPlanPath && request.method == "GET") return Plan(request, finish);
          finish(Finished(request, Answer(request)));
        })) {
      return;
    }
    HttpResponse busy =
        Problem(absl::UnavailableError("the console has too much to do; try again"));
    busy.headers.emplace_back("Retry-After", "2");
    finish(std::move(busy));
  }

  // Compressed, and named by its content, so that what the caller has is not sent again.
  HttpResponse Finished(const HttpRequest& request, HttpResponse response) const {
    if (response.stream || response.body == nullptr || !response.headers.empty()) return response;
    const bool api = response.status == 200;
    if (api) {
      const std::string etag = EtagOf(*response.body);
      response.headers.emplace_back("ETag", etag);
      response.headers.emplace_back("Cache-Control", "private, no-cache");
      response.headers.emplace_back("Vary", "Accept-Encoding, Cookie");
      if (MatchesEtag(request.if_none_match, etag)) {
        response.status = 304;
        response.body = nullptr;
        return response;
      }
    } else {
      response.headers.emplace_back("Cache-Control", "no-store");
    }
    if (response.body->size() >= kGzipBytesMin && TakesGzip(request.accept_encoding)) {
      response.body = Shared(Gzip(*response.body, kGzipQuick));
      response.headers.emplace_back("Content-Encoding", "gzip");
    }
    return response;
  }

  HttpResponse Answer(const HttpRequest& request) {
    const std::string& path = request.path;
    if (path == kSessionPath && request.method == "POST") return SignIn(request);
    if (path == kSessionPath && request.method == "DELETE") return SignOut(request);
    if (request.method != "GET" && request.method != "HEAD") {
      HttpResponse response =
          Problem(absl::UnimplementedError(absl::StrCat(path, " is only read: GET or HEAD")));
      response.headers.emplace_back("Allow", "GET, HEAD");
      return response;
    }
    if (path == "/healthz") return Plain(200, "ok");
    if (path == "/readyz") {
      return options.place.obstacle().ok() ? Plain(200, "ok")
                                           : Plain(503, "the hub takes no change; see its log");
    }
    if (path == "/metrics" || absl::StartsWith(path, kApiPrefix)) return AnswerKnown(request);
    const auto file = files_.find(IsPage(path) ? "/index.html" : path);
    if (file != files_.end()) return SendFile(request, file->second);
    return Problem(absl::NotFoundError(absl::StrCat("nothing is at ", path)));
  }

  // What only operators may see.
  HttpResponse AnswerKnown(const HttpRequest& request) {
    const std::string token = CookieOf(request.cookie, cookie_);
    const absl::StatusOr<std::string> actor = Admit(request, token);
    if (!actor.ok()) return Problem(actor.status());
    if (request.path == kSessionPath) {
      const bool certificate = !request.certificate_der.empty();
      return Json(
          absl::StrCat(CanonicalJson(Value::Map{{"actor", *actor},
                                                {"hub", options.hub_id},
                                                {"by", certificate ? "certificate" : "session"}}),
                       "\n"));
    }
    const std::shared_ptr<const FleetView> fleet = options.view();
    if (request.path == "/api/v1/stream") return Stream(*fleet, request, token);
    const Reading reading{
        *fleet, *options.store, options.clock->Now(),
        [&](const v1::ListRolloutsRequest& asked) { return Rollouts(*actor, asked); }};
    if (request.path == "/api/v1/audit-lines") {
      const absl::StatusOr<std::string> lines = AnswerAuditLines(reading, options.seal, request);
      return lines.ok() ? Json(*lines) : Problem(lines.status());
    }
    if (request.path == "/metrics") {
      HttpResponse response =
          Plain(200, MetricsText({*fleet, GetHub(reading, options.place), figures_,
                                  server_->connections(), server_->streams()}));
      response.content_type = "text/plain; version=0.0.4; charset=utf-8";
      return response;
    }
    absl::StatusOr<std::string> text = AnswerApi(reading, options.place, request);
    return text.ok() ? Json(*std::move(text)) : Problem(text.status());
  }

  // Asks the core, and waits: it answers with its next turn.
  absl::StatusOr<v1::ListRolloutsResponse> Rollouts(const std::string& actor,
                                                    const v1::ListRolloutsRequest& asked) {
    struct Waiting {
      absl::Notification done;
      absl::StatusOr<OperatorAnswer> answer = absl::UnavailableError("the hub did not answer");
    };
    const auto waiting = std::make_shared<Waiting>();
    options.ask(actor, asked, [waiting](absl::StatusOr<OperatorAnswer> answer) {
      waiting->answer = std::move(answer);
      waiting->done.Notify();
    });
    if (!waiting->done.WaitForNotificationWithTimeout(kAskTimeout)) {
      return absl::UnavailableError("the hub is busy and did not answer in time; try again");
    }
    RETURN_IF_ERROR(waiting->answer.status());
    return std::get<v1::ListRolloutsResponse>(*std::move(waiting->answer));
  }

  // What a commit would change: the core fetches and renders, which may take minutes, and no thread
  // waits for it.
  void Plan(const HttpRequest& request, const std::function<void(HttpResponse)>& finish) {
    const absl::StatusOr<std::string> actor = Admit(request, CookieOf(request.cookie, cookie_));
    if (!actor.ok()) return finish(Finished(request, Problem(actor.status())));
    const absl::StatusOr<v1::PlanRequest> asked = ParsePlanRequest(request);
    if (!asked.ok()) return finish(Finished(request, Problem(asked.status())));
    options.ask(*actor, *asked, [this, request, finish](absl::StatusOr<OperatorAnswer> answer) {
      workers_.Run([this, request, finish, answer = std::move(answer)] {
        if (!answer.ok()) return finish(Finished(request, Problem(answer.status())));
        const absl::StatusOr<std::string> plan =
            PlanJson(*options.store, std::get<v1::PlanComparisons>(*answer));
        finish(Finished(request, plan.ok() ? Json(*plan) : Problem(plan.status())));
      });
    });
  }

  HttpResponse Stream(const FleetView& fleet, const HttpRequest& request,
                      const std::string& token) {
    HttpResponse response;
    response.content_type = "text/event-stream";
    response.stream = true;
    response.body = Shared(absl::StrCat("retry: 2000\n", Change(fleet.version())));
    response.headers.emplace_back("Cache-Control", "no-store");
    response.headers.emplace_back("X-Accel-Buffering", "no");
    if (request.certificate_der.empty()) {
      response.still_allowed = [this, token] { return sessions.IsOpen(token); };
    } else {
      response.still_allowed = [this, certificate = request.certificate_der] {
        return AdmitCertificate(certificate).ok();
      };
    }
    return response;
  }

  // Who asks.
  absl::StatusOr<std::string> Admit(const HttpRequest& request, const std::string& token) {
    if (!request.certificate_der.empty()) return AdmitCertificate(request.certificate_der);
    if (std::optional<std::string> actor = sessions.Find(token)) return *std::move(actor);
    return absl::UnauthenticatedError(
        "not signed in, or the session has ended: run muster dashboard, or show an operator's "
        "certificate");
  }

  // TLS has checked who issued it, once; a connection may live longer than the certificate.
  absl::StatusOr<std::string> AdmitCertificate(const std::string& certificate_der) const {
    ASSIGN_OR_RETURN(const CertificateInfo info, ParseCertificate(certificate_der));
    if (options.clock->Now() >= info.not_after) {
      return absl::UnauthenticatedError("the certificate has expired: ask for another one");
    }
    const absl::StatusOr<Identity> identity = IdentityOf(info);
    if (identity.ok() && identity->kind == Identity::Kind::kOperator &&
        identity->hub_id == options.hub_id) {
      return identity->name;
    }
    return absl::PermissionDeniedError(
        "the console is for operators, and the certificate is not an operator's of this hub");
  }

  // Only a page of our own may do this: a form elsewhere can send no JSON without being asked
  // first.
  absl::Status CheckOwnPage(const HttpRequest& request) const {
    if (request.origin.empty() || request.origin == absl::StrCat("https://", request.host)) {
      return absl::OkStatus();
    }
    return absl::PermissionDeniedError("this was sent by another site");
  }

  HttpResponse SignIn(const HttpRequest& request) {
    if (const absl::Status own = CheckOwnPage(request); !own.ok()) return Problem(own);
    if (!absl::StartsWith(request.content_type, "application/json")) {
      return Problem(absl::InvalidArgumentError("sign in: the body must be application/json"));
    }
    const absl::StatusOr<Value> body = ParseJson(request.body);
    const Value* const code = body.ok() ? body->Get("code") : nullptr;
    if (code == nullptr || !code->is_string()) {
      return Problem(absl::InvalidArgumentError("sign in: the body must be {\"code\": \"...\"}"));
    }
    const absl::StatusOr<Sessions::Session> session = sessions.Redeem(code->string());
    if (!session.ok()) {
      NoteRefusedCode();
      return Problem(session.status());
    }
    log::Info("console: signed in", {{"operator", session->actor}});
    HttpResponse response = Json("{}\n");
    response.headers.emplace_back("Cache-Control", "no-store");
    response.headers.emplace_back(
        "Set-Cookie",
        absl::StrCat(cookie_, "=", session->token, "; Path=/; Secure; HttpOnly; SameSite=Strict",
                     "; Max-Age=", absl::ToInt64Seconds(Sessions::kSessionLifetime)));
    return response;
  }

  // Strangers may try as often as they like: one line a minute is enough, the figure is whole.
  void NoteRefusedCode() {
    figures_.RefusedCode();
    const int64_t now = absl::ToUnixSeconds(options.clock->Now());
    int64_t last = refusal_logged_.load();
    if (now - last < 60 || !refusal_logged_.compare_exchange_strong(last, now)) return;
    log::Warning("console: a code was refused; see muster_http_codes_refused_total for how many");
  }

  HttpResponse SignOut(const HttpRequest& request) {
    if (const absl::Status own = CheckOwnPage(request); !own.ok()) return Problem(own);
    sessions.End(CookieOf(request.cookie, cookie_));
    HttpResponse response = Json("{}\n");
    response.headers.emplace_back("Cache-Control", "no-store");
    response.headers.emplace_back(
        "Set-Cookie",
        absl::StrCat(cookie_, "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"));
    return response;
  }

  static HttpResponse SendFile(const HttpRequest& request, const ReadyFile& file) {
    HttpResponse response;
    response.content_type = file.type;
    response.headers.emplace_back("ETag", file.etag);
    response.headers.emplace_back("Cache-Control", "no-cache");
    response.headers.emplace_back("Vary", "Accept-Encoding");
    if (MatchesEtag(request.if_none_match, file.etag)) {
      response.status = 304;
    } else if (TakesGzip(request.accept_encoding)) {
      response.body = file.gzip;
      response.headers.emplace_back("Content-Encoding", "gzip");
    } else {
      response.body = file.plain;
    }
    return response;
  }

  const std::string cookie_;
  std::map<std::string, ReadyFile> files_;  // constant
  HttpFigures figures_;
  std::atomic<uint64_t> told_ = 0;
  std::atomic<int64_t> refusal_logged_ = 0;  // in Unix seconds
  Workers workers_{"hub-web", kThreads};
  std::unique_ptr<HttpServer> server_;
};

Console::Console(ConsoleOptions options) : desk_(std::make_unique<Desk>(std::move(options))) {}

Console::~Console() { Stop(); }

absl::Status Console::Start() { return desk_->Start(); }

void Console::Stop() { desk_->Stop(); }

void Console::Sweep() { desk_->Sweep(); }

absl::StatusOr<Sessions::Code> Console::CreateLogin(const std::string& actor) {
  return desk_->sessions.CreateCode(actor);
}

const std::string& Console::url() const { return desk_->options.url; }

bool Console::private_authority() const { return desk_->options.private_authority; }

std::string Console::fingerprint() const {
  const std::string& pem = desk_->options.server.certificate_pem;
  static const std::string kEnd = "-----END CERTIFICATE-----";
  const size_t end = pem.find(kEnd);
  if (end == std::string::npos) return "";
  const absl::StatusOr<std::string> der =
      CertificateFromPem(absl::StrCat(pem.substr(0, end + kEnd.size()), "\n"));
  return der.ok() ? Digest::Of(*der).hex() : "";
}

}  // namespace muster::hub

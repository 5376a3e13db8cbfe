#include "agent/kube/kubeconfig.h"

#include <arpa/inet.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/manifest/value.h"
#include "common/manifest/yaml.h"

namespace muster::agent {
namespace {

struct HostPort {
  std::string host;
  int port = 0;  // zero: none was named
};

// "host", "host:port", "[v6]:port".
absl::StatusOr<HostPort> ParseHostPort(absl::string_view text) {
  HostPort result;
  absl::string_view port;
  if (absl::ConsumePrefix(&text, "[")) {
    const size_t end = text.find(']');
    if (end == text.npos) return absl::InvalidArgumentError("a '[' without its ']'");
    result.host = std::string(text.substr(0, end));
    port = text.substr(end + 1);
    if (!port.empty() && !absl::ConsumePrefix(&port, ":")) {
      return absl::InvalidArgumentError("something other than a port after ']'");
    }
  } else {
    const size_t colon = text.rfind(':');
    result.host = std::string(text.substr(0, colon));
    if (colon != text.npos) port = text.substr(colon + 1);
  }
  if (result.host.empty()) return absl::InvalidArgumentError("no host");
  if (!port.empty() &&
      (!absl::SimpleAtoi(port, &result.port) || result.port < 1 || result.port > 65535)) {
    return absl::InvalidArgumentError(absl::StrCat("'", port, "' is no port"));
  }
  return result;
}

absl::Status SetServer(absl::string_view server, ApiEndpoint& api) {
  absl::string_view rest = server;
  if (absl::StartsWith(server, "http://")) {
    return absl::InvalidArgumentError(
        absl::StrCat("server ", server,
                     " is plain http, over which tokens would travel in the "
                     "clear; give an https:// address"));
  }
  absl::ConsumePrefix(&rest, "https://");
  const size_t slash = rest.find('/');
  const absl::StatusOr<HostPort> where = ParseHostPort(rest.substr(0, slash));
  if (!where.ok()) return Annotate(where.status(), absl::StrCat("server ", server));
  api.host = where->host;
  api.port = where->port == 0 ? 443 : where->port;
  if (slash != rest.npos) {
    api.base_path = std::string(absl::StripSuffix(rest.substr(slash), "/"));
  }
  return absl::OkStatus();
}

// ---------------------------------------------------------------- the file

std::string Text(const Value* map, absl::string_view key) {
  const Value* value = map == nullptr ? nullptr : map->Get(key);
  return value != nullptr && value->is_string() ? value->string() : "";
}

bool IsTrue(const Value* map, absl::string_view key) {
  const Value* value = map == nullptr ? nullptr : map->Get(key);
  return value != nullptr && value->is_bool() && value->boolean();
}

// Several kubeconfig files as one: of equal names, the first wins.
class Config {
 public:
  absl::Status Load(const std::string& paths) {
    for (const absl::string_view path : absl::StrSplit(paths, ':', absl::SkipEmpty())) {
      RETURN_IF_ERROR(LoadOne(std::string(path)));
    }
    if (loaded_.empty()) {
      return absl::NotFoundError(
          absl::StrCat("read kubeconfig ", paths, ": there is no such file"));
    }
    return absl::OkStatus();
  }

  const std::string& current_context() const { return current_context_; }

  // What stands under `field` of the entry `name` of the list `kind`, and the file's folder.
  struct Entry {
    const Value* value = nullptr;
    std::string file;
    std::string directory;
  };
  absl::StatusOr<Entry> Find(absl::string_view kind, absl::string_view field,
                             const std::string& name) const {
    const auto at = entries_.find({std::string(kind), name});
    if (at == entries_.end()) {
      return absl::NotFoundError(
          absl::StrCat("kubeconfig ", files(), ": there is no ", field, " '", name, "' in ", kind));
    }
    Entry entry = at->second;
    entry.value = entry.value->Get(field);
    if (entry.value == nullptr || !entry.value->is_map()) {
      return absl::InvalidArgumentError(absl::StrCat("kubeconfig ", entry.file, ": the entry '",
                                                     name, "' in ", kind, " has no ", field));
    }
    return entry;
  }

  std::string files() const {
    std::string names;
    for (const auto& [file, document] : loaded_) {
      absl::StrAppend(&names, names.empty() ? "" : ":", file);
    }
    return names;
  }

 private:
  absl::Status LoadOne(const std::string& path) {
    if (!std::ifstream(path).good()) return absl::OkStatus();  // Not all of a list need be there.
    ASSIGN_OR_RETURN(const std::string text, TextSource{.file = path}.Read());
    ASSIGN_OR_RETURN(std::vector<Document> documents, ParseYaml(text, path));
    if (documents.size() != 1 || !documents[0].value.is_map()) {
      return absl::InvalidArgumentError(absl::StrCat("kubeconfig ", path, ": is not one map"));
    }
    loaded_.emplace_back(path, std::make_unique<Value>(std::move(documents[0].value)));
    const Value& root = *loaded_.back().second;
    if (current_context_.empty()) current_context_ = Text(&root, "current-context");
    const size_t slash = path.rfind('/');
    const std::string directory = slash == path.npos ? "." : path.substr(0, slash);
    for (const char* kind : {"clusters", "contexts", "users"}) {
      const Value* list = root.Get(kind);
      if (list == nullptr || !list->is_list()) continue;
      for (const Value& entry : list->list()) {
        entries_.try_emplace({kind, Text(&entry, "name")}, Entry{&entry, path, directory});
      }
    }
    return absl::OkStatus();
  }

  std::vector<std::pair<std::string, std::unique_ptr<Value>>> loaded_;
  std::map<std::pair<std::string, std::string>, Entry> entries_;
  std::string current_context_;
};

// `key`-data in base64, or the file that `key` names.
absl::StatusOr<TextSource> ReadSource(const Config::Entry& entry, const std::string& key) {
  TextSource source;
  const std::string data = Text(entry.value, key + "-data");
  if (!data.empty()) {
    if (!absl::Base64Unescape(data, &source.text)) {
      return absl::InvalidArgumentError(
          absl::StrCat("kubeconfig ", entry.file, ": ", key, "-data is not base64"));
    }
    return source;
  }
  source.file = Text(entry.value, key);
  if (!source.file.empty() && source.file[0] != '/') {
    source.file = absl::StrCat(entry.directory, "/", source.file);
  }
  return source;
}

absl::Status ReadCluster(const Config::Entry& entry, bool allow_insecure, ApiEndpoint& api) {
  const std::string file = absl::StrCat("kubeconfig ", entry.file);
  RETURN_IF_ERROR(Annotate(SetServer(Text(entry.value, "server"), api), file));
  ASSIGN_OR_RETURN(api.ca, ReadSource(entry, "certificate-authority"));
  api.server_name = Text(entry.value, "tls-server-name");
  api.proxy = Text(entry.value, "proxy-url");
  if (IsTrue(entry.value, "insecure-skip-tls-verify")) {
    if (!allow_insecure) {
      return absl::InvalidArgumentError(absl::StrCat(
          file, ": insecure-skip-tls-verify would let anybody pose as the API server; put its ",
          "certificate-authority-data there, or give --kube-insecure for a throw-away cluster"));
    }
    api.insecure = true;
  }
  return absl::OkStatus();
}

absl::Status ReadUser(const Config::Entry& entry, ApiEndpoint& api) {
  const std::string file = absl::StrCat("kubeconfig ", entry.file);
  constexpr std::array kRefused = {
      std::pair("exec", "an exec plugin is a program that would run inside the agent"),
      std::pair("auth-provider", "auth-provider plugins were removed from Kubernetes"),
      std::pair("username", "basic authentication was removed from Kubernetes"),
      std::pair("password", "basic authentication was removed from Kubernetes"),
      std::pair("as", "the agent acts in its own name, and for a package in that of its account"),
  };
  for (const auto& [key, why] : kRefused) {
    if (entry.value->Get(key) == nullptr) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": '", key, "' of the user is refused: ", why,
                     "; make a service account for the agent and give its token or certificate"));
  }
  ASSIGN_OR_RETURN(api.client_certificate, ReadSource(entry, "client-certificate"));
  ASSIGN_OR_RETURN(api.client_key, ReadSource(entry, "client-key"));
  if (api.client_certificate.empty() != api.client_key.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": client-certificate and client-key come together or not at all"));
  }
  api.token.file = Text(entry.value, "tokenFile");
  if (!api.token.file.empty() && api.token.file[0] != '/') {
    api.token.file = absl::StrCat(entry.directory, "/", api.token.file);
  }
  if (api.token.file.empty()) api.token.text = Text(entry.value, "token");
  return absl::OkStatus();
}

// ---------------------------------------------------------------- proxies

// The 16 bytes of an address, IPv4 as mapped; nullopt for a name.
std::optional<std::array<uint8_t, 16>> AddressBytes(const std::string& text) {
  std::array<uint8_t, 16> bytes{};
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
  bytes = {};
  bytes[10] = bytes[11] = 0xff;
  if (inet_pton(AF_INET, text.c_str(), bytes.data() + 12) == 1) return bytes;
  return std::nullopt;
}

bool InRange(const std::string& host, absl::string_view range) {
  const std::vector<std::string> parts = absl::StrSplit(range, '/');
  int bits;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[1], &bits)) return false;
  const auto base = AddressBytes(parts[0]);
  const auto address = AddressBytes(host);
  if (!base.has_value() || !address.has_value()) return false;
  if (!absl::StrContains(parts[0], ':')) bits += 96;
  if (bits < 0 || bits > 128) return false;
  for (int bit = 0; bit < bits; ++bit) {
    const int mask = 0x80 >> (bit % 8);
    if (((*base)[bit / 8] & mask) != ((*address)[bit / 8] & mask)) return false;
  }
  return true;
}

bool IsDirect(const std::string& host, int port, absl::string_view no_proxy) {
  if (host == "localhost" || absl::StartsWith(host, "127.") || host == "::1") return true;
  for (absl::string_view entry : absl::StrSplit(no_proxy, ',')) {
    entry = absl::StripAsciiWhitespace(entry);
    if (entry.empty()) continue;
    if (entry == "*" || InRange(host, entry)) return true;
    const absl::StatusOr<HostPort> parsed = AddressBytes(std::string(entry)).has_value()
                                                ? HostPort{.host = std::string(entry)}
                                                : ParseHostPort(entry);
    if (!parsed.ok() || (parsed->port != 0 && parsed->port != port)) continue;
    const std::string name =
        absl::AsciiStrToLower(absl::StripPrefix(absl::StripPrefix(parsed->host, "*"), "."));
    if (host == name || absl::EndsWith(host, absl::StrCat(".", name))) return true;
  }
  return false;
}

}  // namespace

Environment ProcessEnvironment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

absl::StatusOr<ApiEndpoint> LoadKubeconfig(const KubeconfigOptions& options,
                                           const Environment& environment) {
  Config config;
  RETURN_IF_ERROR(config.Load(options.path));
  const std::string name = options.context.empty() ? config.current_context() : options.context;
  if (name.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "kubeconfig ", config.files(), ": has no current-context; name one with --kube-context"));
  }
  ASSIGN_OR_RETURN(const Config::Entry context, config.Find("contexts", "context", name));
  ASSIGN_OR_RETURN(const Config::Entry cluster,
                   config.Find("clusters", "cluster", Text(context.value, "cluster")));
  ASSIGN_OR_RETURN(const Config::Entry user,
                   config.Find("users", "user", Text(context.value, "user")));
  ApiEndpoint api;
  api.namespace_ = Text(context.value, "namespace");
  RETURN_IF_ERROR(ReadCluster(cluster, options.allow_insecure, api));
  RETURN_IF_ERROR(ReadUser(user, api));
  if (api.proxy.empty()) api.proxy = ProxyFor(api.host, api.port, environment);
  return api;
}

absl::StatusOr<ApiEndpoint> InClusterEndpoint(const Environment& environment,
                                              const std::string& directory) {
  const std::optional<std::string> host = environment("KUBERNETES_SERVICE_HOST");
  if (!host.has_value() || host->empty()) {
    return absl::NotFoundError(
        "this is no pod of a cluster: KUBERNETES_SERVICE_HOST is not set; give --kubeconfig FILE");
  }
  ApiEndpoint api;
  api.host = *host;
  const std::string port = environment("KUBERNETES_SERVICE_PORT").value_or("443");
  if (!absl::SimpleAtoi(port, &api.port)) {
    return absl::InvalidArgumentError(
        absl::StrCat("KUBERNETES_SERVICE_PORT '", port, "' is no port"));
  }
  api.ca.file = directory + "/ca.crt";
  api.token.file = directory + "/token";
  // Both must be there now; later they are read again whenever they are needed.
  RETURN_IF_ERROR(api.ca.Read().status());
  RETURN_IF_ERROR(api.token.Read().status());
  api.namespace_ = TextSource{.file = directory + "/namespace"}.Read().value_or("");
  api.proxy = ProxyFor(api.host, api.port, environment);
  return api;
}

std::string ProxyFor(absl::string_view host, int port, const Environment& environment) {
  const auto either = [&](const char* upper, const char* lower) {
    const std::optional<std::string> value = environment(upper);
    return value.has_value() ? *value : environment(lower).value_or("");
  };
  const std::string proxy = either("HTTPS_PROXY", "https_proxy");
  if (proxy.empty()) return "";
  if (IsDirect(absl::AsciiStrToLower(host), port, either("NO_PROXY", "no_proxy"))) return "";
  return proxy;
}

}  // namespace muster::agent

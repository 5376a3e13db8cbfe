#include "cli/config.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/files.h"
#include "cli/output/document.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"
#include "common/manifest/yaml.h"
#include "common/trust/key_file.h"

namespace muster::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPemBytesMax = 64u << 10;

absl::Status BadConfig(const Document& document, absl::string_view pointer, absl::string_view why) {
  return ProblemStatus(absl::StatusCode::kInvalidArgument, {.what = "cannot read the contexts",
                                                            .where = document.Where(pointer),
                                                            .why = std::string(why),
                                                            .hint = "docs/cli.md shows the file"});
}

// The members of the map at `pointer` are strings out of `fields`; each is put where it belongs.
struct Field {
  absl::string_view name;
  std::string* place;
};

absl::Status TakeFields(const Document& document, const std::string& pointer,
                        const std::vector<Field>& fields, absl::string_view skip) {
  const Value* map = document.value.Find(pointer);
  if (map == nullptr || !map->is_map()) {
    return BadConfig(document, pointer, "this must be a map");
  }
  for (const Member& member : map->map()) {
    if (member.key == skip) continue;
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const Field& known) { return known.name == member.key; });
    const std::string here = JoinPointer(pointer, member.key);
    if (field == fields.end()) {
      std::vector<std::string> names;
      for (const Field& known : fields) names.push_back(std::string(known.name));
      return BadConfig(
          document, here,
          absl::StrCat("unknown field '", member.key, "'", Suggestion(member.key, names)));
    }
    if (!member.value.is_string()) {
      return BadConfig(document, here, absl::StrCat("'", member.key, "' must be a string"));
    }
    *field->place = member.value.string();
  }
  return absl::OkStatus();
}

absl::StatusOr<ConfigContext> TakeContext(const Document& document, const std::string& pointer) {
  ConfigContext context;
  RETURN_IF_ERROR(TakeFields(document, pointer,
                             {{"name", &context.name},
                              {"hub", &context.hub},
                              {"ca", &context.ca},
                              {"caFile", &context.ca_file},
                              {"certificate", &context.certificate},
                              {"certificateFile", &context.certificate_file},
                              {"key", &context.key},
                              {"keyFile", &context.key_file}},
                             ""));
  if (context.name.empty()) return BadConfig(document, pointer, "the context has no name");
  if (context.hub.empty()) {
    return BadConfig(document, pointer,
                     absl::StrCat("context '", context.name, "' has no hub (host:port)"));
  }
  return context;
}

// The bytes that a pair of fields gives: inline, or a file beside the configuration.
absl::StatusOr<std::string> Credential(const ConfigContext& context, absl::string_view what,
                                       const std::string& inline_pem, const std::string& file,
                                       const std::string& config_path, bool secret) {
  if (!inline_pem.empty()) return inline_pem;
  if (file.empty()) {
    return ProblemStatus(absl::StatusCode::kInvalidArgument,
                         {.what = absl::StrCat("context '", context.name, "' has no ", what),
                          .where = config_path,
                          .hint = "muster context add --help"});
  }
  const std::string path = (fs::path(config_path).parent_path() / file).string();
  absl::StatusOr<std::string> bytes = secret ? ReadKeyFile(path) : ReadFile(path, kPemBytesMax);
  if (bytes.ok()) return bytes;
  return WithWhere(
      Tried(absl::StrCat("read the ", what, " of context '", context.name, "'"), bytes.status()),
      path);
}

}  // namespace

const ConfigContext* Config::Find(absl::string_view name) const {
  for (const ConfigContext& context : contexts) {
    if (context.name == name) return &context;
  }
  return nullptr;
}

std::string ConfigPath(const Environment& env) {
  if (const std::string path = env.Variable("MUSTER_CONFIG"); !path.empty()) return path;
  if (const std::string home = env.Variable("XDG_CONFIG_HOME"); !home.empty()) {
    return absl::StrCat(home, "/muster/config.yaml");
  }
  return absl::StrCat(env.Variable("HOME"), "/.config/muster/config.yaml");
}

absl::StatusOr<Config> ParseConfig(absl::string_view text, absl::string_view path) {
  Config config;
  config.path = std::string(path);
  absl::StatusOr<std::vector<Document>> documents = ParseYaml(text, path);
  if (!documents.ok()) return Tried("read the contexts", documents.status());
  if (documents->empty()) return config;
  const Document& document = documents->front();
  if (documents->size() > 1) {
    return BadConfig((*documents)[1], "", "the file must be one document");
  }
  std::string api_version;
  std::string kind;
  RETURN_IF_ERROR(TakeFields(
      document, "",
      {{"apiVersion", &api_version}, {"kind", &kind}, {"currentContext", &config.current}},
      "contexts"));
  if (api_version != kApiVersion || kind != "Config") {
    return BadConfig(document, "",
                     absl::StrCat("this is not apiVersion: ", kApiVersion, ", kind: Config"));
  }
  const Value* contexts = document.value.Get("contexts");
  if (contexts == nullptr || contexts->is_null()) return config;
  if (!contexts->is_list()) return BadConfig(document, "/contexts", "this must be a list");
  for (size_t i = 0; i < contexts->list().size(); ++i) {
    const std::string pointer = absl::StrCat("/contexts/", i);
    ASSIGN_OR_RETURN(ConfigContext context, TakeContext(document, pointer));
    if (config.Find(context.name) != nullptr) {
      return BadConfig(document, pointer,
                       absl::StrCat("a second context is called '", context.name, "'"));
    }
    config.contexts.push_back(std::move(context));
  }
  return config;
}

std::string ConfigText(const Config& config) {
  Value::List contexts;
  for (const ConfigContext& context : config.contexts) {
    Value::Map map;
    const auto set = [&map](absl::string_view key, const std::string& value) {
      if (!value.empty()) map.Set(std::string(key), value);
    };
    set("name", context.name);
    set("hub", context.hub);
    set("ca", context.ca);
    set("caFile", context.ca_file);
    set("certificate", context.certificate);
    set("certificateFile", context.certificate_file);
    set("key", context.key);
    set("keyFile", context.key_file);
    contexts.push_back(std::move(map));
  }
  Value::Map body;
  body.Set("currentContext", config.current);
  body.Set("contexts", std::move(contexts));
  return YamlText(Typed("Config", std::move(body)));
}

absl::StatusOr<Config> LoadConfig(const Environment& env) {
  const std::string path = ConfigPath(env);
  const absl::StatusOr<std::string> text = ReadKeyFile(path);
  if (absl::IsNotFound(text.status())) {
    Config config;
    config.path = path;
    return config;
  }
  if (!text.ok()) return WithWhere(Tried("read the contexts", text.status()), path);
  return ParseConfig(*text, path);
}

absl::Status SaveConfig(const Config& config) {
  std::error_code error;
  const fs::path folder = fs::path(config.path).parent_path();
  if (!folder.empty() && fs::create_directories(folder, error)) {
    fs::permissions(folder, fs::perms::owner_all, error);
  }
  return WithWhere(Tried("write the contexts", WriteKeyFile(config.path, ConfigText(config))),
                   config.path);
}

absl::StatusOr<ConfigContext> ChooseContext(const Config& config, const Environment& env,
                                            const std::string& asked) {
  std::string name = asked;
  if (name.empty()) name = env.Variable("MUSTER_CONTEXT");
  if (name.empty()) name = config.current;
  if (config.contexts.empty()) {
    return ProblemStatus(absl::StatusCode::kNotFound,
                         {.what = "no hub is known yet",
                          .where = config.path,
                          .why = "the file of contexts is empty or not there",
                          .hint = "make a hub: muster init --help\n"
                                  "or use one: muster context add --help"});
  }
  if (name.empty()) {
    return UsageProblem("no context is chosen",
                        "muster context list, then: muster context use "
                        "NAME");
  }
  if (const ConfigContext* context = config.Find(name); context != nullptr) return *context;
  std::vector<std::string> names;
  for (const ConfigContext& context : config.contexts) names.push_back(context.name);
  return ProblemStatus(
      absl::StatusCode::kNotFound,
      {.what = absl::StrCat("there is no context '", name, "'", Suggestion(name, names)),
       .where = config.path,
       .hint = "muster context list"});
}

absl::StatusOr<HubAddress> LoadCredentials(const ConfigContext& context,
                                           const std::string& config_path) {
  HubAddress hub;
  hub.address = context.hub;
  ASSIGN_OR_RETURN(hub.ca_pem, Credential(context, "authority", context.ca, context.ca_file,
                                          config_path, /*secret=*/false));
  ASSIGN_OR_RETURN(hub.certificate_pem,
                   Credential(context, "certificate", context.certificate, context.certificate_file,
                              config_path, /*secret=*/false));
  ASSIGN_OR_RETURN(hub.key_pem, Credential(context, "key", context.key, context.key_file,
                                           config_path, /*secret=*/true));
  return hub;
}

void PutContext(Config& config, ConfigContext context) {
  for (ConfigContext& known : config.contexts) {
    if (known.name != context.name) continue;
    known = std::move(context);
    return;
  }
  config.contexts.push_back(std::move(context));
}

}  // namespace muster::cli

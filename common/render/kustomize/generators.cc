#include "common/render/kustomize/generators.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/manifest/sealed.h"
#include "common/manifest/utf8.h"

namespace muster::kustomize {
namespace {

constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Kustomize reads lines of an env file up to this length, and silently stops at a longer one.
constexpr size_t kEnvLineBytesMax = 64 << 10;

constexpr size_t kBase64Column = 70;

using Pairs = std::map<std::string, std::string>;

absl::string_view BaseName(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

// The white space of Unicode at the start of a line, as Go sees it.
absl::string_view TrimLeft(absl::string_view text) {
  static constexpr absl::string_view kSpaces[] = {
      " ",      "\t",     "\v",     "\f",     "\r",     "\u0085", "\u00a0", "\u1680",
      "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007",
      "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};
  for (bool trimmed = true; trimmed;) {
    trimmed = false;
    for (const absl::string_view space : kSpaces) {
      while (absl::ConsumePrefix(&text, space)) trimmed = true;
    }
  }
  return text;
}

absl::Status AddPair(std::string key, std::string value, Pairs& pairs) {
  const auto [at, added] = pairs.try_emplace(std::move(key), std::move(value));
  if (added) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("key '", at->first, "' is given twice; remove one of the two"));
}

// KEY=value lines; '#' starts a comment at the start of a line only, and values are taken as they
// stand, quotes included.
absl::Status AddEnvFile(absl::string_view text, const std::string& path, Pairs& pairs) {
  int number = 0;
  absl::ConsumePrefix(&text, kByteOrderMark);
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const auto at = [&] { return absl::StrCat(path, ":", number); };
    absl::ConsumeSuffix(&line, "\r");
    if (line.size() >= kEnvLineBytesMax) {
      return absl::InvalidArgumentError(absl::StrCat(at(), ": line of more than ", kEnvLineBytesMax,
                                                     " bytes; give long values through `files`"));
    }
    if (FindInvalidUtf8(line) != absl::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat(at(), ": not UTF-8; give binary values through `files`"));
    }
    line = TrimLeft(line);
    if (line.empty() || line[0] == '#') continue;
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(line, absl::MaxSplits('=', 1));
    if (pair.first.empty()) continue;  // as in Kustomize
    RETURN_IF_ERROR(
        Annotate(AddPair(std::string(pair.first), std::string(pair.second), pairs), at()));
  }
  return absl::OkStatus();
}

// "key=value"; quotes around the value are taken off.
absl::Status AddLiteral(absl::string_view source, size_t number, Pairs& pairs) {
  const size_t equals = source.find('=');
  if (equals == 0 || equals == source.npos) {
    // It may be all secret, so no message repeats it.
    return absl::InvalidArgumentError(absl::StrCat(
        "literal ", number, " has no ", equals == 0 ? "key" : "'='", "; write key=value"));
  }
  absl::string_view value = source.substr(equals + 1);
  if (value.size() >= 2 && value.front() == value.back() &&
      (value.front() == '"' || value.front() == '\'')) {
    value = value.substr(1, value.size() - 2);
  }
  return AddPair(std::string(source.substr(0, equals)), std::string(value), pairs);
}

// "path" or "key=path".
absl::Status AddFile(absl::string_view source, const Loader& loader, Pairs& pairs) {
  const std::vector<absl::string_view> parts = absl::StrSplit(source, '=');
  if (parts.size() > 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("file '", source, "': neither the key nor the path may hold a second '='"));
  }
  if (parts.size() == 2 && (parts[0].empty() || parts[1].empty())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "file '", source, "' has no ", parts[0].empty() ? "key" : "path", "; write key=path"));
  }
  ASSIGN_OR_RETURN(const Loader::File file, loader.Load(parts.back()));
  RETURN_IF_ERROR(RefuseSopsFile(*file.bytes, file.path, "a generator"));
  return AddPair(std::string(parts.size() == 2 ? parts[0] : BaseName(source)), *file.bytes, pairs);
}

absl::StatusOr<Pairs> ReadPairs(const GeneratorArgs& args, const Loader& loader) {
  Pairs pairs;
  for (const std::string& source : args.envs) {
    ASSIGN_OR_RETURN(const Loader::File file, loader.Load(source));
    RETURN_IF_ERROR(RefuseSopsFile(*file.bytes, file.path, "a generator"));
    RETURN_IF_ERROR(AddEnvFile(*file.bytes, file.path, pairs));
  }
  for (size_t i = 0; i < args.literals.size(); ++i) {
    RETURN_IF_ERROR(AddLiteral(args.literals[i], i + 1, pairs));
  }
  for (const std::string& source : args.files) RETURN_IF_ERROR(AddFile(source, loader, pairs));
  return pairs;
}

// Base64, in lines when it is longer than one.
std::string Encode(const std::string& bytes) {
  const std::string encoded = absl::Base64Escape(bytes);
  if (encoded.size() < kBase64Column) return encoded;
  std::string lines;
  for (size_t at = 0; at < encoded.size(); at += kBase64Column) {
    absl::StrAppend(&lines, absl::string_view(encoded).substr(at, kBase64Column), "\n");
  }
  return lines;
}

// Words that are not known count for nothing, as in Kustomize.
Behavior BehaviorOf(const GeneratorArgs& args) {
  if (args.behavior == "create") return Behavior::kCreate;
  if (args.behavior == "replace") return Behavior::kReplace;
  if (args.behavior == "merge") return Behavior::kMerge;
  return Behavior::kUnspecified;
}

Value MapOf(const TextMap& texts) {
  Value::Map map;
  for (const auto& [key, text] : texts) map.Set(key, text);
  return map;
}

Value MetadataOf(const GeneratorArgs& args) {
  Value::Map metadata{{"name", args.name}};
  if (!args.namespace_.empty()) metadata.Set("namespace", args.namespace_);
  if (!args.options.labels.empty()) metadata.Set("labels", MapOf(args.options.labels));
  if (!args.options.annotations.empty()) {
    metadata.Set("annotations", MapOf(args.options.annotations));
  }
  return metadata;
}

void AddConfigMapData(const Pairs& pairs, Value::Map& object) {
  Value::Map data, binary_data;
  for (const auto& [key, value] : pairs) {
    if (FindInvalidUtf8(value) == std::string::npos) {
      data.Set(key, value);
    } else {
      binary_data.Set(key, Encode(value));
    }
  }
  if (!data.empty()) object.Set("data", std::move(data));
  if (!binary_data.empty()) object.Set("binaryData", std::move(binary_data));
}

void AddSecretData(const Pairs& pairs, Value::Map& object) {
  Value::Map data;
  for (const auto& [key, value] : pairs) data.Set(key, Encode(value));
  object.Set("data", std::move(data));
}

absl::StatusOr<Resource> Generate(const GeneratorArgs& args, const Loader& loader, bool is_secret) {
  if (args.name.empty()) {
    return absl::InvalidArgumentError("a generator needs a name for what it makes");
  }
  ASSIGN_OR_RETURN(const Pairs pairs, ReadPairs(args, loader));
  Value::Map object{{"apiVersion", "v1"},
                    {"kind", is_secret ? "Secret" : "ConfigMap"},
                    {"metadata", MetadataOf(args)}};
  if (is_secret) {
    object.Set("type", args.type.empty() ? "Opaque" : args.type);
    AddSecretData(pairs, object);
  } else {
    AddConfigMapData(pairs, object);
  }
  if (args.options.immutable) object.Set("immutable", true);
  Resource resource(Value(std::move(object)), args.place);
  resource.behavior = BehaviorOf(args);
  resource.needs_hash = !args.options.disable_name_suffix_hash;
  return resource;
}

absl::StatusOr<Resource> GenerateNamed(const GeneratorArgs& args, const Loader& loader,
                                       bool is_secret) {
  absl::StatusOr<Resource> resource = Generate(args, loader, is_secret);
  if (resource.ok()) return resource;
  return Annotate(
      resource.status(),
      absl::StrCat(args.place.text(), ": ",
                   is_secret ? "secretGenerator '" : "configMapGenerator '", args.name, "'"));
}

}  // namespace

absl::StatusOr<Resource> GenerateConfigMap(const GeneratorArgs& args, const Loader& loader) {
  return GenerateNamed(args, loader, /*is_secret=*/false);
}

absl::StatusOr<Resource> GenerateSecret(const GeneratorArgs& args, const Loader& loader) {
  return GenerateNamed(args, loader, /*is_secret=*/true);
}

void MergeGeneratorOptions(const GeneratorOptions& global, GeneratorArgs& args) {
  args.has_options = true;
  // What is there stays. For the two flags there is no telling "false" from "not said", so a global
  // true wins.
  args.options.labels.insert(global.labels.begin(), global.labels.end());
  args.options.annotations.insert(global.annotations.begin(), global.annotations.end());
  args.options.disable_name_suffix_hash |= global.disable_name_suffix_hash;
  args.options.immutable |= global.immutable;
}

}  // namespace muster::kustomize

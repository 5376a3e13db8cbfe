// Reading SOPS files: their formats and their `sops` blocks. The other half of sops.h is sops.cc.
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"
#include "common/manifest/utf8.h"
#include "common/manifest/yaml.h"
#include "common/secrets/sops.h"

namespace muster {
namespace {

constexpr absl::string_view kBlock = "sops";
constexpr absl::string_view kFlatPrefix = "sops_";
constexpr size_t kRecipientsMax = 256;
constexpr int kFlatDepthMax = 8;

constexpr std::pair<SopsFormat, absl::string_view> kFormats[] = {{SopsFormat::kYaml, "yaml"},
                                                                 {SopsFormat::kJson, "json"},
                                                                 {SopsFormat::kDotenv, "dotenv"},
                                                                 {SopsFormat::kBinary, "binary"}};

absl::Status Invalid(absl::string_view why) { return absl::InvalidArgumentError(why); }

// ---------------------------------------------------------------- the block

std::string TextOf(const Value& map, absl::string_view key) {
  const Value* value = map.Get(key);
  return value != nullptr && value->is_string() ? value->string() : "";
}

// Keys that Muster cannot open: what they are called, and which field names one.
struct OtherKeys {
  absl::string_view list;
  absl::string_view called;
  absl::string_view name;
};
constexpr OtherKeys kOtherKeys[] = {{"kms", "AWS KMS", "arn"},
                                    {"gcp_kms", "Google Cloud KMS", "resource_id"},
                                    {"azure_kv", "Azure Key Vault", "name"},
                                    {"hc_vault", "HashiCorp Vault", "key_name"},
                                    {"hckms", "HuaweiCloud KMS", "key_id"}};

absl::Status AddKeys(const Value& group, absl::string_view list, SopsRecipient::Kind kind,
                     absl::string_view name, absl::string_view called,
                     std::vector<SopsRecipient>& recipients) {
  const Value* keys = group.Get(list);
  if (keys == nullptr || keys->is_null()) return absl::OkStatus();
  if (!keys->is_list()) return Invalid(absl::StrCat("`sops.", list, "` is no list"));
  for (const Value& key : keys->list()) {
    if (recipients.size() == kRecipientsMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("it is sealed to more than ", kRecipientsMax, " recipients"));
    }
    SopsRecipient recipient{.kind = kind, .name = TextOf(key, name), .sealed_key = ""};
    recipient.sealed_key = TextOf(key, "enc");
    if (!called.empty()) recipient.name = absl::StrCat(recipient.name, " of ", called);
    recipients.push_back(std::move(recipient));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SopsRecipient>> RecipientsOf(const Value& group) {
  std::vector<SopsRecipient> recipients;
  RETURN_IF_ERROR(AddKeys(group, "age", SopsRecipient::Kind::kAge, "recipient", "", recipients));
  RETURN_IF_ERROR(AddKeys(group, "pgp", SopsRecipient::Kind::kOpenPgp, "fp", "", recipients));
  for (const OtherKeys& other : kOtherKeys) {
    RETURN_IF_ERROR(AddKeys(group, other.list, SopsRecipient::Kind::kOther, other.name,
                            other.called, recipients));
  }
  return recipients;
}

// The one group of keys; several of which each has a share are not understood.
absl::StatusOr<const Value*> OneGroup(const Value& block) {
  const Value* groups = block.Get("key_groups");
  if (groups == nullptr || groups->is_null()) return &block;
  if (!groups->is_list()) return Invalid("`sops.key_groups` is no list");
  if (groups->list().empty()) return &block;
  if (groups->list().size() == 1) return &groups->list().front();
  return absl::UnimplementedError(
      absl::StrCat("its key is split over ", groups->list().size(),
                   " groups (Shamir), which no agent puts together; seal it to one group of keys"));
}

absl::StatusOr<SopsMetadata> MetadataOf(const Value& block) {
  if (!block.is_map()) return Invalid("its `sops` block is no mapping");
  for (const absl::string_view rule : {"unencrypted_comment_regex", "encrypted_comment_regex"}) {
    if (TextOf(block, rule).empty()) continue;
    return absl::UnimplementedError(
        absl::StrCat("it is encrypted by comments (`", rule,
                     "`), which is not understood; use encrypted_regex: ^(data|stringData)$"));
  }
  SopsMetadata metadata;
  ASSIGN_OR_RETURN(const Value* group, OneGroup(block));
  ASSIGN_OR_RETURN(metadata.recipients, RecipientsOf(*group));
  metadata.last_modified = TextOf(block, "lastmodified");
  metadata.mac = TextOf(block, "mac");
  metadata.version = TextOf(block, "version");
  metadata.encrypted_suffix = TextOf(block, "encrypted_suffix");
  metadata.unencrypted_suffix = TextOf(block, "unencrypted_suffix");
  metadata.encrypted_regex = TextOf(block, "encrypted_regex");
  metadata.unencrypted_regex = TextOf(block, "unencrypted_regex");
  const Value* only = block.Get("mac_only_encrypted");
  metadata.mac_only_encrypted = only != nullptr && (*only == Value(true) || *only == Value("true"));
  if (metadata.mac.empty()) return Invalid("its `sops` block has no `mac`");
  if (metadata.recipients.empty()) return Invalid("its `sops` block names no recipient");
  return metadata;
}

// ---------------------------------------------------------------- dotenv

// Puts a value where a flattened name leads: "age__list_0__map_enc".
absl::Status Unflatten(absl::string_view name, std::string text, Value& block) {
  std::string pointer;
  const std::vector<absl::string_view> steps = absl::StrSplit(name, "__");
  if (steps.size() > kFlatDepthMax) return Invalid("a name in it is too long");
  for (size_t i = 0; i < steps.size(); ++i) {
    absl::string_view step = steps[i];
    int index = 0;
    if (i == 0 || absl::ConsumePrefix(&step, "map_")) {
      pointer = JoinPointer(pointer, step);
    } else if (absl::ConsumePrefix(&step, "list_") && absl::SimpleAtoi(step, &index) &&
               index >= 0 && index < static_cast<int>(kRecipientsMax)) {
      const Value* list = block.Find(pointer);
      if (list == nullptr) block.Set(pointer, Value::List());
      list = block.Find(pointer);
      if (list == nullptr || !list->is_list() || index > static_cast<int>(list->list().size())) {
        return Invalid("the lists in its `sops_` lines are not in order");
      }
      if (index == static_cast<int>(list->list().size())) {
        block.Set(absl::StrCat(pointer, "/-"), Value::Map());
      }
      absl::StrAppend(&pointer, "/", index);
    } else {
      return Invalid("a `sops_` line in it cannot be read");
    }
  }
  if (!block.Set(pointer, Value(std::move(text)))) {
    return Invalid("a `sops_` line in it cannot be read");
  }
  return absl::OkStatus();
}

absl::StatusOr<SopsFile> ReadDotenv(absl::string_view text) {
  Value::Map variables;
  Value block = Value::Map();
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const size_t equals = line.find('=');
    if (equals == line.npos) return Invalid(absl::StrCat("line ", number, " has no '='"));
    absl::string_view name = line.substr(0, equals);
    std::string value = absl::StrReplaceAll(line.substr(equals + 1), {{"\\n", "\n"}});
    if (absl::ConsumePrefix(&name, kFlatPrefix)) {
      RETURN_IF_ERROR(Unflatten(name, std::move(value), block));
    } else if (!variables.Insert(std::string(name), Value(std::move(value)))) {
      return Invalid(absl::StrCat("line ", number, " names a variable again"));
    }
  }
  if (block.map().empty()) return Invalid("there are no `sops_` lines in it");
  SopsFile file;
  ASSIGN_OR_RETURN(file.metadata, MetadataOf(block));
  file.documents.push_back(Value(std::move(variables)));
  return file;
}

// ---------------------------------------------------------------- YAML and JSON

absl::StatusOr<std::vector<Value>> ParseDocuments(absl::string_view text, SopsFormat format,
                                                  absl::string_view name) {
  std::vector<Value> values;
  if (format != SopsFormat::kYaml) {
    ASSIGN_OR_RETURN(Value value, ParseJson(text));
    values.push_back(std::move(value));
    return values;
  }
  ASSIGN_OR_RETURN(std::vector<Document> documents, ParseYaml(text, name));
  for (Document& document : documents) values.push_back(std::move(document.value));
  return values;
}

absl::StatusOr<SopsFile> ReadTree(absl::string_view text, SopsFormat format,
                                  absl::string_view name) {
  SopsFile file;
  ASSIGN_OR_RETURN(file.documents, ParseDocuments(text, format, name));
  const Value* block = nullptr;
  for (const Value& document : file.documents) {
    if (!document.is_map()) return Invalid("a document in it is no mapping");
    if (block == nullptr) block = document.Get(kBlock);
  }
  if (block == nullptr) return Invalid("there is no `sops` block in it");
  ASSIGN_OR_RETURN(file.metadata, MetadataOf(*block));
  for (Value& document : file.documents) document.map().Erase(kBlock);
  if (format != SopsFormat::kBinary) return file;
  const Value* data = file.documents.front().Get("data");
  if (data == nullptr || !data->is_string() || file.documents.front().map().size() != 1) {
    return Invalid("it is no binary file of SOPS, which has `data` and `sops` and nothing else");
  }
  return file;
}

}  // namespace

absl::string_view SopsFormatName(SopsFormat format) {
  for (const auto& [one, name] : kFormats) {
    if (one == format) return name;
  }
  return "";
}

absl::StatusOr<SopsFormat> SopsFormatNamed(absl::string_view name) {
  for (const auto& [format, one] : kFormats) {
    if (one == name) return format;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", name, "' is none of yaml, json, dotenv, binary"));
}

absl::StatusOr<SopsFile> ReadSops(absl::string_view text, SopsFormat format,
                                  absl::string_view file) {
  if (text.size() > limits::kYamlFileBytesMax) {
    return absl::ResourceExhaustedError(absl::StrCat(
        file, ": has ", text.size(), " bytes, at most ", limits::kYamlFileBytesMax, " are read"));
  }
  if (FindInvalidUtf8(text) != text.npos) {
    return Invalid(absl::StrCat(file, ": is not UTF-8, as every SOPS file is"));
  }
  absl::StatusOr<SopsFile> read =
      format == SopsFormat::kDotenv ? ReadDotenv(text) : ReadTree(text, format, file);
  if (!read.ok()) {
    const bool named = absl::StartsWith(read.status().message(), absl::StrCat(file, ":"));
    return named ? read.status() : Annotate(read.status(), file);
  }
  read->file = std::string(file);
  read->format = format;
  return read;
}

}  // namespace muster

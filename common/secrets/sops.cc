#include "common/secrets/sops.h"

#include <re2/re2.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/manifest/utf8.h"
#include "common/manifest/yaml.h"
#include "common/manifest/yaml_writer.h"
#include "common/secrets/cipher.h"
#include "common/secrets/sops_value.h"
#include "common/secrets/wipe.h"

namespace muster {
namespace {

constexpr absl::string_view kDefaultUnencryptedSuffix = "_unencrypted";
constexpr absl::string_view kSealedFields = "^(data|stringData)$";
// The format that is written.
constexpr absl::string_view kWrittenVersion = "3.9.0";

// What the hash begins with when it covers encrypted values only: the SHA-256 of "sops".
constexpr absl::string_view kOnlyEncryptedStart =
    "8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69";

// ---------------------------------------------------------------- which values are encrypted

// The rule of one document, ready to be asked.
class Rule {
 public:
  static absl::StatusOr<Rule> Of(const SopsMetadata& metadata) {
    Rule rule;
    const std::pair<const std::string*, Rule::How> given[] = {
        {&metadata.encrypted_suffix, {true, false}},
        {&metadata.unencrypted_suffix, {false, false}},
        {&metadata.encrypted_regex, {true, true}},
        {&metadata.unencrypted_regex, {false, true}}};
    const std::string* text = nullptr;
    for (const auto& [value, how] : given) {
      if (value->empty()) continue;
      if (text != nullptr) {
        return absl::InvalidArgumentError(
            "its `sops` block has more than one rule for what is encrypted");
      }
      text = value;
      rule.how_ = how;
    }
    rule.suffix_ = text == nullptr ? std::string(kDefaultUnencryptedSuffix) : *text;
    if (!rule.how_.is_regex) return rule;
    RE2::Options options;
    options.set_log_errors(false);
    rule.regex_ = std::make_shared<const RE2>(*text, options);
    if (rule.regex_->ok()) return rule;
    return absl::InvalidArgumentError("the regular expression in its `sops` block cannot be read");
  }

  // Whether the rule's word holds below a key of this name, whatever the keys above say.
  bool Names(absl::string_view key) const {
    if (how_.is_regex) return RE2::PartialMatch({key.data(), key.size()}, *regex_);
    return absl::EndsWith(key, suffix_);
  }
  // Whether what it names is encrypted, and all else is not; or the other way.
  bool names_encrypted() const { return how_.encrypts; }

 private:
  struct How {
    bool encrypts = false;
    bool is_regex = false;
  };
  How how_;
  std::string suffix_;
  std::shared_ptr<const RE2> regex_;
};

// ---------------------------------------------------------------- walking

// Goes over a document in the order of its text; opens or seals what the rule says is encrypted,
// in place, and adds all values to the hash. The depth is bounded by the readers.
class Walk {
 public:
  enum class Way { kOpen, kSeal };

  // What kind of value an opened one may be.
  enum class Values { kAny, kStrings, kBytes };

  Walk(Way way, const Rule& rule, bool mac_only_encrypted, absl::string_view data_key,
       Values values)
      : way_(way),
        rule_(rule),
        only_encrypted_(mac_only_encrypted),
        data_key_(data_key),
        values_(values) {
    if (only_encrypted_) hash_.Add(absl::HexStringToBytes(kOnlyEncryptedStart));
  }

  absl::Status Document(Value& document) { return Map(document, Place()); }

  // As SOPS spells a MAC.
  std::string Mac() { return absl::AsciiStrToUpper(absl::BytesToHexString(hash_.Finish())); }

 private:
  struct Place {
    std::string context;  // "data:password:"
    bool named = false;   // the rule names one of the keys on the way
  };

  absl::Status Map(Value& map, const Place& place) {
    for (auto [key, value] : map.map()) {
      const Place below{.context = absl::StrCat(place.context, key, ":"),
                        .named = place.named || rule_.Names(key)};
      ASSIGN_OR_RETURN(const bool stays, Node(value, below));
      if (!stays) return Refuse(below, "a comment stands for a value");
    }
    return absl::OkStatus();
  }

  absl::Status List(Value& list, const Place& place) {
    Value::List kept;
    for (Value& value : list.list()) {
      ASSIGN_OR_RETURN(const bool stays, Node(value, place));
      if (stays) kept.push_back(std::move(value));
    }
    list.list() = std::move(kept);
    return absl::OkStatus();
  }

  // Returns false for a comment.
  absl::StatusOr<bool> Node(Value& value, const Place& place) {
    if (value.is_map()) {
      RETURN_IF_ERROR(Map(value, place));
      return true;
    }
    if (value.is_list()) {
      RETURN_IF_ERROR(List(value, place));
      return true;
    }
    if (value.is_null()) return true;
    const bool encrypted = place.named == rule_.names_encrypted();
    if (way_ == Way::kOpen && encrypted) {
      if (!value.is_string()) return Refuse(place, "it is not encrypted, and should be");
      absl::StatusOr<std::optional<Value>> opened =
          sops::OpenValue(value.string(), data_key_, place.context);
      if (!opened.ok()) return Refuse(place, opened.status().message(), opened.status().code());
      if (!opened->has_value()) return false;
      value = **std::move(opened);
      // The type is no part of what is authenticated.
      if (values_ != Values::kAny && !value.is_string()) {
        return Refuse(place, "its type is none that a file of this format has");
      }
      if (values_ != Values::kBytes && value.is_string() &&
          FindInvalidUtf8(value.string()) != absl::string_view::npos) {
        return Refuse(place,
                      "it holds bytes that are no text; give them as base64 in a Secret's `data`, "
                      "or seal them as a binary file of their own",
                      absl::StatusCode::kInvalidArgument);
      }
    }
    const absl::StatusOr<std::optional<std::string>> bytes = sops::MacBytes(value);
    if (!bytes.ok()) return Refuse(place, bytes.status().message(), bytes.status().code());
    if (encrypted || !only_encrypted_) hash_.Add(**bytes);
    if (way_ == Way::kSeal && encrypted) {
      value = sops::SealValue(value, data_key_, place.context);
    }
    return true;
  }

  static absl::Status Refuse(const Place& place, absl::string_view why,
                             absl::StatusCode code = absl::StatusCode::kDataLoss) {
    absl::string_view key = place.context;
    key.remove_suffix(key.empty() ? 0 : 1);
    return absl::Status(code, absl::StrCat("the value at '", key, "' cannot be opened: ", why));
  }

  const Way way_;
  const Rule& rule_;
  const bool only_encrypted_;
  const absl::string_view data_key_;
  const Values values_;
  cipher::Sha512 hash_;
};

Walk::Values ValuesOf(SopsFormat format) {
  if (format == SopsFormat::kBinary) return Walk::Values::kBytes;
  return format == SopsFormat::kDotenv ? Walk::Values::kStrings : Walk::Values::kAny;
}

}  // namespace

std::string NamesOf(absl::Span<const SopsRecipient> recipients) {
  return absl::StrJoin(recipients, ", ", [](std::string* out, const SopsRecipient& recipient) {
    absl::StrAppend(out, recipient.name);
  });
}

absl::StatusOr<std::vector<Value>> OpenSops(const SopsFile& file, absl::string_view data_key) {
  const SopsMetadata& metadata = file.metadata;
  if (data_key.size() != cipher::kKeyBytes) {
    return absl::DataLossError(absl::StrCat(file.file, ": its data key has an impossible size"));
  }
  absl::StatusOr<Rule> rule = Rule::Of(metadata);
  if (!rule.ok()) return Annotate(rule.status(), file.file);
  Walk walk(Walk::Way::kOpen, *rule, metadata.mac_only_encrypted, data_key, ValuesOf(file.format));
  std::vector<Value> documents = file.documents;
  for (Value& document : documents) {
    RETURN_IF_ERROR(Annotate(walk.Document(document), file.file));
  }
  const absl::StatusOr<std::optional<Value>> mac =
      sops::OpenValue(metadata.mac, data_key, metadata.last_modified);
  const bool sound = mac.ok() && mac->has_value() && (*mac)->is_string() &&
                     cipher::EqualSecrets((*mac)->string(), walk.Mac());
  if (!sound) {
    return absl::DataLossError(absl::StrCat(
        file.file,
        ": it does not fit its MAC: something was changed, moved, added or left out since it was "
        "sealed; edit it with sops, or seal it anew"));
  }
  return documents;
}

absl::StatusOr<std::string> SealObject(const Value& object,
                                       absl::Span<const AgeRecipient> recipients, absl::Time now) {
  CHECK(!recipients.empty() && object.is_map() && object.Get("sops") == nullptr);
  // The MAC goes by the order of what is written.
  ASSIGN_OR_RETURN(std::vector<muster::Document> written,
                   ParseYaml(WriteYaml(object), "the object", YamlReaders::kOne));
  CHECK_EQ(written.size(), 1u);
  Value sealed = std::move(written.front().value);
  SopsMetadata metadata;
  metadata.encrypted_regex = std::string(kSealedFields);
  ASSIGN_OR_RETURN(const Rule rule, Rule::Of(metadata));
  std::string data_key = cipher::RandomBytes(cipher::kKeyBytes);
  const Wipe wipe(data_key);
  Walk walk(Walk::Way::kSeal, rule, false, data_key, Walk::Values::kAny);
  RETURN_IF_ERROR(walk.Document(sealed));
  const std::string modified = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", now, absl::UTCTimeZone());
  Value::List age;
  for (const AgeRecipient& recipient : recipients) {
    age.push_back(
        Value::Map{{"recipient", recipient.text()}, {"enc", SealAge({recipient}, data_key)}});
  }
  sealed.Set("/sops", Value::Map{{"age", std::move(age)},
                                 {"lastmodified", modified},
                                 {"mac", sops::SealValue(walk.Mac(), data_key, modified)},
                                 {"encrypted_regex", metadata.encrypted_regex},
                                 {"version", kWrittenVersion}});
  return WriteYaml(sealed);
}

}  // namespace muster

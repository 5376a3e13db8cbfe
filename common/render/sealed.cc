#include "common/render/sealed.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/annotations.h"
#include "common/manifest/json.h"
#include "common/manifest/sealed.h"
#include "common/manifest/yaml.h"
#include "common/render/documents.h"

namespace muster {
namespace {

constexpr absl::string_view kCiphertext = "ENC[AES256_GCM,";
constexpr int kSopsFilesMax = 100;  // of one Secret

std::string Place(const RenderedObject& rendered) {
  return absl::StrCat(rendered.file, ":", rendered.line, ": ", rendered.object.key.kind, " '",
                      rendered.object.key.name, "'");
}

// The depth is bounded by the readers.
bool HoldsCiphertext(const Value& value) {
  if (value.is_string()) return absl::StartsWith(value.string(), kCiphertext);
  if (value.is_list()) {
    return std::any_of(value.list().begin(), value.list().end(), HoldsCiphertext);
  }
  if (!value.is_map()) return false;
  return std::any_of(value.map().begin(), value.map().end(),
                     [](const Member& member) { return HoldsCiphertext(member.value); });
}

std::string MacOf(const Value& document) {
  return IsSopsDocument(document) ? document.Find("/sops/mac")->string() : "";
}

// ---------------------------------------------------------------- whole objects

struct Found {
  SealedText text;
  Value document;  // as it stands in Git
};

// The documents of the file that were sealed together with the object, and which of them it is.
absl::StatusOr<Found> FindText(kustomize::FileSource& files, const RenderedObject& rendered) {
  Found found;
  found.text.file = rendered.file;
  found.text.format = absl::EndsWith(rendered.file, ".json") ? "json" : "yaml";
  ASSIGN_OR_RETURN(const std::string* bytes, files.Find(rendered.file));
  const std::string mac = MacOf(rendered.object.value);
  int together = 0;
  bool known = false;
  if (bytes == nullptr) return absl::NotFoundError(absl::StrCat(Place(rendered), ": is not there"));
  for (const TextDocument& part : SplitDocuments(*bytes)) {
    if (!LooksLikeSops(part.text)) continue;
    ASSIGN_OR_RETURN(std::vector<Document> documents, ParseYaml(part.text, rendered.file));
    if (documents.size() != 1 || MacOf(documents.front().value) != mac) continue;
    // The last one that begins before the object's line.
    if (!known || part.line <= rendered.line) {
      found.text.document = together;
      found.document = std::move(documents.front().value);
      known = true;
    }
    ++together;
    absl::StrAppend(&found.text.text, part.text);
  }
  if (known) return found;
  return absl::InvalidArgumentError(absl::StrCat(
      Place(rendered),
      ": is encrypted with SOPS, and its document does not stand in a file of its own; deliver it "
      "as an object of its own, through `resources`"));
}

// Everything but metadata has to be as in Git.
absl::Status CheckUnchanged(const RenderedObject& rendered, const Value& original) {
  const auto refuse = [&](absl::string_view field) {
    return absl::InvalidArgumentError(absl::StrCat(
        Place(rendered), ": is encrypted with SOPS, and a patch or transformer changes its '",
        field,
        "': only its metadata may change on the way to the cluster, which checks the rest against "
        "the document's MAC; change the document itself with sops, or keep the patch from it"));
  };
  const auto counts = [](const Member& member) {
    return member.key != "metadata" && member.key != "sops";
  };
  const Value& value = rendered.object.value;
  for (const Member& member : original.map()) {
    const Value* now = value.Get(member.key);
    if (counts(member) && (now == nullptr || !(*now == member.value))) return refuse(member.key);
  }
  for (const Member& member : value.map()) {
    if (counts(member) && original.Get(member.key) == nullptr) return refuse(member.key);
  }
  return absl::OkStatus();
}

// ---------------------------------------------------------------- files of a Secret

struct Wanted {
  absl::string_view path;
  absl::string_view key;
};

// "app.env, tls.key=tls.key.sops"; lines do as well as commas.
absl::StatusOr<std::vector<Wanted>> WantedFiles(absl::string_view annotation) {
  std::vector<Wanted> wanted;
  for (absl::string_view one : absl::StrSplit(annotation, absl::ByAnyChar(",\n"))) {
    one = absl::StripAsciiWhitespace(one);
    if (one.empty()) continue;
    const size_t equals = one.find('=');
    wanted.push_back(equals == one.npos ? Wanted{one, ""}
                                        : Wanted{one.substr(equals + 1), one.substr(0, equals)});
    if (wanted.back().path.empty() || wanted.size() > kSopsFilesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("annotation ", kSopsFilesAnnotation, " is to name up to ", kSopsFilesMax,
                       " files, as in 'app.env, tls.key=tls.key.sops'"));
    }
  }
  return wanted;
}

// What SOPS made of the file, by its content.
absl::StatusOr<std::string> FormatOf(absl::string_view text) {
  if (absl::StartsWith(text, "sops_mac=") || absl::StrContains(text, "\nsops_mac=")) {
    return "dotenv";
  }
  const absl::StatusOr<Value> value = ParseJson(text);
  const Value* data = value.ok() ? value->Get("data") : nullptr;
  if (data != nullptr && data->is_string() && IsSopsDocument(*value) && value->map().size() == 2) {
    return "binary";
  }
  return absl::InvalidArgumentError(
      "is no file that SOPS encrypted as dotenv or binary; encrypt it with 'sops encrypt "
      "--input-type dotenv' or '--input-type binary', and YAML and JSON as objects of their own");
}

absl::StatusOr<SealedText> ReadSopsFile(kustomize::FileSource& files, const std::string& directory,
                                        const Wanted& wanted) {
  if (absl::StartsWith(wanted.path, "/") || absl::StrContains(wanted.path, "..")) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", wanted.path, "' does not stand beside or below the Secret's own file"));
  }
  ASSIGN_OR_RETURN(const std::string path, JoinPath(directory, wanted.path));
  ASSIGN_OR_RETURN(const std::string* bytes, files.Find(path));
  if (bytes == nullptr) return absl::NotFoundError(absl::StrCat(path, " is not there"));
  if (bytes->size() > limits::kYamlFileBytesMax) {
    return absl::ResourceExhaustedError(absl::StrCat(path, " is too large"));
  }
  absl::StatusOr<std::string> format = FormatOf(*bytes);
  if (!format.ok()) return Annotate(format.status(), path);
  SealedText text{.file = path, .format = *format, .text = *bytes, .document = 0, .key = ""};
  if (*format == "dotenv") {
    if (wanted.key.empty()) return text;
    return absl::InvalidArgumentError(absl::StrCat(
        path, " is dotenv, whose variables have keys of their own; leave out '", wanted.key, "='"));
  }
  const size_t slash = path.rfind('/');
  text.key = wanted.key.empty() ? path.substr(slash == path.npos ? 0 : slash + 1)
                                : std::string(wanted.key);
  return text;
}

absl::Status AddFiles(kustomize::FileSource& files, RenderedObject& rendered) {
  const Value& value = rendered.object.value;
  const absl::string_view annotation = AnnotationOf(value, kSopsFilesAnnotation);
  if (annotation.empty()) return absl::OkStatus();
  if (rendered.object.key.kind != "Secret" || rendered.object.key.api_version != "v1") {
    return absl::InvalidArgumentError(
        absl::StrCat("annotation ", kSopsFilesAnnotation, " is for Secrets"));
  }
  if (IsSopsDocument(value)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "annotation ", kSopsFilesAnnotation, " is for Secrets that are not encrypted themselves"));
  }
  const size_t slash = rendered.file.rfind('/');
  const std::string directory = slash == std::string::npos ? "" : rendered.file.substr(0, slash);
  ASSIGN_OR_RETURN(const std::vector<Wanted> wanted, WantedFiles(annotation));
  for (const Wanted& one : wanted) {
    ASSIGN_OR_RETURN(SealedText text, ReadSopsFile(files, directory, one));
    rendered.sealed.push_back(std::move(text));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSopsDocument(const Value& document) {
  if (!IsToBeOpened(document)) return absl::OkStatus();
  const Value* kind = document.Get("kind");
  const Value* version = document.Get("apiVersion");
  const Value* metadata = document.Get("metadata");
  if (kind == nullptr || version == nullptr || metadata == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "this file is encrypted with SOPS and is no Kubernetes object; deliver its content in a "
        "Secret: encrypt that Secret, or name a dotenv or binary file in the annotation ",
        kSopsFilesAnnotation, " of one"));
  }
  if (document.Get("items") != nullptr && kind->is_string() &&
      absl::EndsWith(kind->string(), "List")) {
    return absl::InvalidArgumentError(
        "a list of objects that is encrypted as one cannot be taken apart; encrypt each object in "
        "a document of its own");
  }
  if (HoldsCiphertext(*kind) || HoldsCiphertext(*version) || HoldsCiphertext(*metadata)) {
    return absl::InvalidArgumentError(
        "SOPS has encrypted its apiVersion, kind or metadata, by which it is known; encrypt its "
        "data only, with encrypted_regex: ^(data|stringData)$ in .sops.yaml");
  }
  return absl::OkStatus();
}

absl::Status AddSealedTexts(kustomize::FileSource& files, const std::string& root,
                            bool outside_root, std::vector<RenderedObject>& objects) {
  for (RenderedObject& rendered : objects) {
    const Value& value = rendered.object.value;
    if (HoldsOrphanedCiphertext(value)) {
      return absl::InvalidArgumentError(absl::StrCat(
          Place(rendered),
          ": holds values that SOPS encrypted, without the `sops` block that says to whom; "
          "deliver the document as SOPS wrote it"));
    }
    RETURN_IF_ERROR(Annotate(AddFiles(files, rendered), Place(rendered)));
    if (!rendered.sealed.empty() && outside_root && !root.empty() &&
        !absl::StartsWith(rendered.file, absl::StrCat(root, "/"))) {
      return absl::InvalidArgumentError(
          absl::StrCat(Place(rendered), ": its annotation ", kSopsFilesAnnotation,
                       " names files outside of the package's path; move the Secret into it"));
    }
    if (!IsToBeOpened(value)) continue;
    RETURN_IF_ERROR(Annotate(CheckSopsDocument(value), Place(rendered)));
    ASSIGN_OR_RETURN(Found found, FindText(files, rendered));
    RETURN_IF_ERROR(CheckUnchanged(rendered, found.document));
    rendered.sealed.push_back(std::move(found.text));
  }
  return absl::OkStatus();
}

}  // namespace muster

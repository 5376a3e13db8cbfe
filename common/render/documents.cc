#include "common/render/documents.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/sealed.h"
#include "common/manifest/yaml.h"

namespace muster {
namespace {

constexpr absl::string_view kOptOutKeys[] = {"muster.dev/substitute",
                                             "kustomize.toolkit.fluxcd.io/substitute"};

bool IsMarker(absl::string_view line) {
  return absl::StartsWith(line, "---") &&
         (line.size() == 3 || absl::StrContains(" \t\r\n", line[3]));
}

bool MentionsOptOut(absl::string_view text) {
  if (LooksLikeSops(text)) return true;
  for (const absl::string_view key : kOptOutKeys) {
    if (absl::StrContains(text, key)) return true;
  }
  return false;
}

absl::StatusOr<bool> OptsOut(const TextDocument& document, const std::string& file) {
  // Most documents are not read twice.
  if (!MentionsOptOut(document.text)) return false;
  absl::StatusOr<std::vector<Document>> parsed = ParseYaml(document.text, file);
  if (!parsed.ok()) {
    // Again with the lines before it, so that the message counts them.
    const std::string text = absl::StrCat(std::string(document.line - 1, '\n'), document.text);
    const absl::Status counted = ParseYaml(text, file).status();
    return counted.ok() ? parsed.status() : counted;
  }
  for (const Document& one : *parsed) {
    if (IsSopsDocument(one.value)) return true;
    const Value* metadata = one.value.Get("metadata");
    const Value* annotations = metadata == nullptr ? nullptr : metadata->Get("annotations");
    if (annotations == nullptr) continue;
    for (const absl::string_view key : kOptOutKeys) {
      const Value* value = annotations->Get(key);
      if (value != nullptr && *value == Value("disabled")) return true;
    }
  }
  return false;
}

}  // namespace

std::vector<TextDocument> SplitDocuments(absl::string_view text) {
  std::vector<TextDocument> documents;
  size_t start = 0;
  int line = 1, start_line = 1;
  for (size_t at = 0; at < text.size();) {
    const size_t newline = text.find('\n', at);
    const size_t next = newline == text.npos ? text.size() : newline + 1;
    if (at > start && IsMarker(text.substr(at, next - at))) {
      documents.push_back({text.substr(start, at - start), start_line});
      start = at;
      start_line = line;
    }
    at = next;
    ++line;
  }
  if (start < text.size()) documents.push_back({text.substr(start), start_line});
  return documents;
}

absl::StatusOr<std::string> SubstituteDocuments(absl::string_view text, const VariableScope& scope,
                                                const std::string& file, PutOff& put_off) {
  std::string result;
  for (const TextDocument& document : SplitDocuments(text)) {
    ASSIGN_OR_RETURN(const bool opts_out, OptsOut(document, file));
    if (opts_out) {
      absl::StrAppend(&result, document.text);
    } else {
      ASSIGN_OR_RETURN(const std::string substituted,
                       Substitute(document.text, scope, {file, document.line}, &put_off));
      absl::StrAppend(&result, substituted);
    }
    if (result.size() > limits::kYamlFileBytesMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat(file, ": is larger than ", limits::kYamlFileBytesMax,
                       " bytes once its variables are substituted"));
    }
  }
  return result;
}

absl::Status CollectFromDocuments(absl::string_view text, const std::string& file,
                                  std::set<std::string>& uses) {
  for (const TextDocument& document : SplitDocuments(text)) {
    ASSIGN_OR_RETURN(const bool opts_out, OptsOut(document, file));
    if (opts_out) continue;
    RETURN_IF_ERROR(CollectClusterVariables(document.text, {file, document.line}, uses));
  }
  return absl::OkStatus();
}

}  // namespace muster

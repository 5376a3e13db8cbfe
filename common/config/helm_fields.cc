#include "common/config/helm_fields.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/digest.h"
#include "common/base/limits.h"
#include "common/charts/semver.h"
#include "common/manifest/yaml_writer.h"
#include "common/render/file_tree.h"
#include "common/render/variables.h"

namespace muster {
namespace {

constexpr size_t kReleaseNameMax = 53;  // Helm's: it leaves room for suffixes

std::string TextOf(const Value& map, absl::string_view key) {
  const Value* value = map.Get(key);
  return value == nullptr ? "" : value->string();
}

void CheckExpressions(const std::string& text, const std::string& at, Findings& findings) {
  std::set<std::string> uses;
  const absl::Status bad = CollectClusterVariables(text, {"", 1}, uses);
  if (bad.ok()) return;
  // The message starts with a place in the text, which is none in the file.
  const std::vector<std::string> parts = absl::StrSplit(bad.message(), absl::MaxSplits(": ", 1));
  findings.Add(at, parts.back());
}

void CheckPath(const std::string& path, bool file, const std::string& at, Findings& findings) {
  const absl::StatusOr<std::string> normalized = NormalizePath(path);
  if (!normalized.ok()) return findings.Add(at, normalized.status().message());
  if (file && normalized->empty()) return findings.Add(at, "names no file");
  CheckExpressions(path, at, findings);
}

void ReadValues(const Value& value, const std::string& at, Findings& findings, v1::Helm& helm) {
  if (const Value* files = value.Get("valuesFiles"); files != nullptr) {
    for (size_t i = 0; i < files->list().size(); ++i) {
      const std::string& file = files->list()[i].string();
      CheckPath(file, /*file=*/true, absl::StrCat(at, "/valuesFiles/", i), findings);
      helm.add_values_files(file);
    }
    if (files->list().size() > limits::kValuesFilesMax) {
      findings.Add(at + "/valuesFiles",
                   absl::StrCat("has more than ", limits::kValuesFilesMax, " files"));
    }
  }
  const Value* values = value.Get("values");
  if (values == nullptr || values->map().empty()) return;
  helm.set_values(WriteYaml(*values));
  CheckExpressions(helm.values(), at + "/values", findings);
  if (helm.values().size() > limits::kInlineValuesBytesMax) {
    findings.Add(at + "/values",
                 absl::StrCat("is longer than ", limits::kInlineValuesBytesMax >> 10,
                              " KiB; put it into a file and name it in valuesFiles"));
  }
}

// What a chart of a registry needs. Which repository is one is known when all files were read: see
// References.
void ReadRegistryFields(const Value& value, Findings& findings, v1::Helm& helm) {
  helm.set_repository(TextOf(value, "repository"));
  helm.set_version(TextOf(value, "version"));
  helm.set_digest(TextOf(value, "digest"));
  if (!helm.version().empty() && !absl::StrContains(helm.version(), "${")) {
    if (absl::Status bad = SemVerRange::Parse(helm.version()).status(); !bad.ok()) {
      findings.Add("/spec/helm/version", bad.message());
    }
  }
  CheckExpressions(helm.version(), "/spec/helm/version", findings);
  absl::string_view digest = helm.digest();
  if (!digest.empty() &&
      (!absl::ConsumePrefix(&digest, "sha256:") || !Digest::FromHex(digest).ok())) {
    findings.Add("/spec/helm/digest", "is no digest; write sha256: and 64 hexadecimal digits");
  }
  if (helm.repository().empty()) return;
  if (helm.version().empty()) {
    findings.Add("/spec/helm/version",
                 "is missing; a chart of a registry has a version, or a range: '*' is the newest");
  }
  if (helm.chart().empty()) {
    findings.Add("/spec/helm/chart", "is missing; name the chart as the registry calls it");
  }
}

}  // namespace

void ReadHelmFields(Findings& findings, v1::Package& package) {
  const Value& document = findings.document().value;
  const bool other =
      package.renderer() == v1::RENDERER_YAML || package.renderer() == v1::RENDERER_KUSTOMIZE;
  const auto refuse_other = [&](const std::string& at) {
    if (other) findings.Add(at, "needs renderer helm, or none");
  };
  if (const Value* value = document.Find("/spec/helm"); value != nullptr) {
    refuse_other("/spec/helm");
    v1::Helm& helm = *package.mutable_helm();
    helm.set_chart(TextOf(*value, "chart"));
    if (!helm.chart().empty()) {
      CheckPath(helm.chart(), /*file=*/false, "/spec/helm/chart", findings);
    }
    ReadRegistryFields(*value, findings, helm);
    helm.set_release_name(TextOf(*value, "releaseName"));
    if (helm.release_name().size() > kReleaseNameMax) {
      findings.Add("/spec/helm/releaseName",
                   absl::StrCat("is longer than the ", kReleaseNameMax, " signs that Helm takes"));
    }
    ReadValues(*value, "/spec/helm", findings, helm);
  }
  for (int i = 0; i < package.targets_size(); ++i) {
    const std::string at = absl::StrCat("/spec/targets/", i, "/helm");
    const Value* value = document.Find(at);
    if (value == nullptr) continue;
    refuse_other(at);
    ReadValues(*value, at, findings, *package.mutable_targets(i)->mutable_helm());
  }
}

}  // namespace muster

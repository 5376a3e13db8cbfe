// Words: the status words of the product, with the tone that they are said in, and the few phrases
// that several commands share. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/output/table.h"
#include "proto/operator_service.pb.h"

namespace muster::cli {

Cell SyncCell(v1::SyncStatus sync);
Cell HealthCell(v1::HealthStatus health);
Cell ConnectionCell(v1::ConnectionStatus connection);
Cell ConditionCell(v1::ConditionStatus status);

// "Enforce", "Observe".
std::string ModeWord(v1::ClusterMode mode);

// "env=prod,region=eu"; "<none>".
std::string LabelsText(const google::protobuf::RepeatedPtrField<v1::Label>& labels);

// "Deployment web/api", "Namespace web".
std::string ObjectText(absl::string_view kind, absl::string_view name_space,
                       absl::string_view name);

// An object's name for programs, and for every command that takes one:
// "object/ConfigMap/web/settings", "object/Deployment.apps/web/api", "object/Namespace/web";
// without the word before the first slash, as listings put that before every name:
// "Deployment.apps/web/api".
std::string ObjectName(absl::string_view api_version, absl::string_view kind,
                       absl::string_view name_space, absl::string_view name);

// What is wrong with an object, as one sign: '+' would be added, '~' differs, '-' would be deleted,
// '!' failed or held, '?' else.
char ProblemSign(v1::ObjectProblem::What what);

// The same in words: "missing", "drifted", "would be deleted".
std::string ProblemWord(v1::ObjectProblem::What what);

// "drifted: /data/x (changed by kubectl, 5m ago): message".
std::string ProblemLine(const v1::ObjectProblem& problem, absl::Time now);

// What a problem consists of, one line a field: what is there and what should be, or who owns it.
std::vector<std::string> ProblemDetails(const v1::ObjectProblem& problem);

// Why the newest commit of a repository may not rule by its signature; null when it may.
const v1::Condition* RefusalOf(const v1::RepositoryView& view);

}  // namespace muster::cli

#include "common/render/kustomize/vars.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/render/kustomize/dotted_path.h"
#include "common/render/kustomize/field_specs.h"

namespace muster::kustomize {
namespace {

using VarValues = std::map<std::string, Value, std::less<>>;

// Whether the var means a resource with this id. Without a namespace it means those of all.
bool Means(const Var& var, const ResId& id) {
  const bool any_namespace =
      var.target.namespace_.empty() && var.target.EffectiveNamespace() != kNoNamespace;
  return any_namespace ? var.target.GvknEquals(id) : var.target.Equals(id);
}

bool Means(const Var& var, const Resource& resource) {
  if (Means(var, resource.CurrentId())) return true;
  for (const ResId& id : resource.PreviousIds()) {
    if (Means(var, id)) return true;
  }
  return false;
}

absl::Status Taken(const Var& var, const Var& first) {
  return absl::InvalidArgumentError(
      absl::StrCat(var.place.text(), ": var '", var.name, "' is there already, from ",
                   first.place.text(), "; names of vars are shared by a build, rename one"));
}

// "ports[0].name" means the steps ports, 0, name.
std::vector<std::string> StepsOf(const std::string& path) {
  std::vector<std::string> steps;
  for (std::string& step : SplitDottedPath(path)) {
    const size_t bracket = step.rfind('[');
    int index = 0;
    if (bracket == std::string::npos || !absl::EndsWith(step, "]") ||
        !absl::SimpleAtoi(absl::string_view(step).substr(bracket + 1, step.size() - bracket - 2),
                          &index)) {
      steps.push_back(std::move(step));
      continue;
    }
    if (bracket > 0) steps.push_back(step.substr(0, bracket));
    steps.push_back(absl::StrCat(index));
  }
  return steps;
}

absl::StatusOr<Value> ValueOf(const Var& var, const ResMap& map) {
  const auto found =
      std::find_if(map.resources().begin(), map.resources().end(), [&](const Resource& resource) {
        return std::count(resource.var_names.begin(), resource.var_names.end(), var.name) > 0;
      });
  if (found == map.resources().end()) {
    return absl::InvalidArgumentError(absl::StrCat(
        var.place.text(), ": var '", var.name, "' means ", var.target.text(),
        ", and no resource of the build is that; objref takes kind, apiVersion and the name as "
        "written, before any prefix"));
  }
  const absl::StatusOr<const Value*> value = LookUpPath(StepsOf(var.field_path), found->value());
  if (value.ok() && *value != nullptr) return **value;
  return absl::InvalidArgumentError(
      absl::StrCat(var.place.text(), ": var '", var.name, "': ", var.target.text(), " (",
                   found->place.text(), ") has no field '", var.field_path, "'"));
}

// The text with every $(NAME) of a known var replaced; a text that is one such is the var's value,
// type and all. "$$" stands for one '$'.
Value Expand(absl::string_view text, const VarValues& values) {
  std::string out;
  size_t at = 0;
  while (at < text.size()) {
    const size_t dollar = text.find('$', at);
    if (dollar == text.npos || dollar + 1 >= text.size()) break;
    out.append(text.data() + at, dollar - at);
    const char next = text[dollar + 1];
    const size_t close = next == '(' ? text.find(')', dollar) : text.npos;
    if (close == text.npos) {
      // "$$" is an escape; before anything else the '$' is only itself.
      out.append(next == '$' ? "$" : std::string{'$', next});
      at = dollar + 2;
      continue;
    }
    const auto value = values.find(text.substr(dollar + 2, close - dollar - 2));
    if (value == values.end()) {
      out.append(text.data() + dollar, close + 1 - dollar);
    } else if (dollar == 0 && close + 1 == text.size()) {
      return value->second;
    } else {
      out += ScalarText(value->second);
    }
    at = close + 1;
  }
  out.append(text.data() + at, text.size() - at);
  return out;
}

absl::Status ExpandField(const VarValues& values, Value& field) {
  if (field.is_string()) {
    field = Expand(field.string(), values);
  } else if (field.is_map()) {
    for (const auto [key, value] : field.map()) {
      if (value.is_string()) value = Expand(value.string(), values);
    }
  } else if (field.is_list()) {
    for (Value& element : field.list()) {
      if (!element.is_string()) {
        return absl::InvalidArgumentError(
            absl::StrCat("a list in which $(NAME) is looked for holds a ", KindName(element.kind()),
                         "; quote it to make it text"));
      }
      element = Expand(element.string(), values);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MatchVars(const std::vector<Var>& vars, ResMap& map, VarSet& all) {
  for (const Var& var : vars) {
    size_t match = 0;
    bool found = false;
    for (size_t i = 0; i < map.size(); ++i) {
      if (!Means(var, map.resources()[i])) continue;
      if (found) {
        return absl::InvalidArgumentError(
            absl::StrCat(var.place.text(), ": var '", var.name, "' means several resources, in ",
                         map.resources()[match].place.text(), " and ",
                         map.resources()[i].place.text(), "; add the namespace to its objref"));
      }
      found = true;
      match = i;
    }
    if (found) map.Mutable()[match].var_names.push_back(var.name);
  }
  for (const Var& var : vars) {
    const auto [at, added] = all.try_emplace(var.name, var);
    if (!added) return Taken(var, at->second);
  }
  return absl::OkStatus();
}

absl::Status MergeVars(const VarSet& more, VarSet& all) {
  for (const auto& [name, var] : more) {
    const auto [at, added] = all.try_emplace(name, var);
    if (!added) return Taken(var, at->second);
  }
  return absl::OkStatus();
}

absl::Status ResolveVars(const VarSet& vars, const FieldSpecs& var_reference, ResMap& map) {
  if (vars.empty()) return absl::OkStatus();
  VarValues values;
  for (const auto& [name, var] : vars) {
    ASSIGN_OR_RETURN(Value value, ValueOf(var, map));
    // Lists and maps have no text to put in, so what mentions them stays as it is.
    if (!value.is_map() && !value.is_list()) values.emplace(name, std::move(value));
  }
  for (Resource& resource : map.Mutable()) {
    RETURN_IF_ERROR(
        EditFields(var_reference, CreateAs::kNothing, resource,
                   [&](Value& field, const std::string&) { return ExpandField(values, field); }));
  }
  return absl::OkStatus();
}

}  // namespace muster::kustomize

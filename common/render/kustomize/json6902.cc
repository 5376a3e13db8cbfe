#include "common/render/kustomize/json6902.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/yaml_limits.h"

namespace muster::kustomize {
namespace {

absl::Status Nothing(absl::string_view path) {
  return absl::FailedPreconditionError(absl::StrCat("there is nothing at '", path, "'"));
}

// The index that a step means in a list of that size, "-1" being its last; nullopt for none.
std::optional<size_t> IndexOf(const std::string& step, size_t size) {
  int64_t index = 0;
  if (!absl::SimpleAtoi(step, &index)) return std::nullopt;
  const auto bound = static_cast<int64_t>(size);
  if (index < 0) index += bound;
  if (index < 0 || index >= bound) return std::nullopt;
  return static_cast<size_t>(index);
}

// A place in a document: what holds it, and its key or index there.
struct Spot {
  Value* holder;
  std::string step;

  // What stands there; null when nothing does.
  Value* Get() const {
    if (holder->is_map()) return holder->Get(step);
    const std::optional<size_t> index = IndexOf(step, holder->list().size());
    return index.has_value() ? &holder->list()[*index] : nullptr;
  }
};

class Operation {
 public:
  Operation(const Value& operation, Value& document) : operation_(operation), document_(document) {}

  absl::Status Apply() {
    ASSIGN_OR_RETURN(const std::string op, Text("op"));
    ASSIGN_OR_RETURN(const std::string path, Text("path"));
    ASSIGN_OR_RETURN(const Spot spot, Find(path));
    if (op == "add") return Add(spot, ValueOrNull(), path);
    if (op == "remove") return Remove(spot, path).status();
    if (op == "replace") return Replace(spot, path);
    if (op == "test") return Test(spot, path);
    if (op != "move" && op != "copy") {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", op, "' is no operation; there are add, remove, replace, move, copy and test"));
    }
    ASSIGN_OR_RETURN(const std::string from, Text("from"));
    ASSIGN_OR_RETURN(const Spot source, Find(from));
    if (op == "copy") {
      const Value* copied = source.Get();
      if (copied == nullptr) return Nothing(from);
      return Add(spot, *copied, path);
    }
    ASSIGN_OR_RETURN(Value moved, Remove(source, from));
    // Taking it out may have moved the place where it goes.
    ASSIGN_OR_RETURN(const Spot target, Find(path));
    return Add(target, std::move(moved), path);
  }

  std::string Name(size_t index) const {
    return absl::StrCat("operation ", index + 1, " (", Text("op").value_or("?"), " ",
                        Text("path").value_or("?"), ")");
  }

 private:
  absl::StatusOr<std::string> Text(absl::string_view field) const {
    const Value* value = operation_.Get(field);
    if (value == nullptr || !value->is_string()) {
      return absl::InvalidArgumentError(absl::StrCat("needs a text '", field, "'"));
    }
    return value->string();
  }

  Value ValueOrNull() const {
    const Value* value = operation_.Get("value");
    return value == nullptr ? Value() : *value;
  }

  absl::StatusOr<Spot> Find(const std::string& path) {
    const std::optional<std::vector<std::string>> steps = SplitPointer(path);
    if (!steps.has_value() || steps->empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", path, "' is no path; it starts with '/' and names a field"));
    }
    Value* holder = &document_;
    for (size_t i = 0; i + 1 < steps->size(); ++i) {
      if (!holder->is_map() && !holder->is_list()) return Nothing(path);
      holder = Spot{holder, (*steps)[i]}.Get();
      if (holder == nullptr) return Nothing(path);
    }
    if (!holder->is_map() && !holder->is_list()) return Nothing(path);
    return Spot{holder, steps->back()};
  }

  absl::Status Add(const Spot& spot, Value value, absl::string_view path) {
    if (spot.holder->is_map()) {
      spot.holder->map().Set(spot.step, std::move(value));
      return absl::OkStatus();
    }
    Value::List& list = spot.holder->list();
    if (list.size() > kYamlNodesMax) return absl::ResourceExhaustedError("too many elements");
    if (spot.step == "-") {
      list.push_back(std::move(value));
      return absl::OkStatus();
    }
    const std::optional<size_t> index = IndexOf(spot.step, list.size() + 1);
    if (!index.has_value()) return Nothing(path);
    list.insert(list.begin() + static_cast<ptrdiff_t>(*index), std::move(value));
    return absl::OkStatus();
  }

  absl::StatusOr<Value> Remove(const Spot& spot, absl::string_view path) {
    Value* found = spot.Get();
    if (found == nullptr) return Nothing(path);
    Value removed = std::move(*found);
    if (spot.holder->is_map()) {
      spot.holder->map().Erase(spot.step);
    } else {
      Value::List& list = spot.holder->list();
      list.erase(list.begin() + (found - list.data()));
    }
    return removed;
  }

  absl::Status Replace(const Spot& spot, absl::string_view path) {
    if (spot.holder->is_map()) {
      spot.holder->map().Set(spot.step, ValueOrNull());
      return absl::OkStatus();
    }
    Value* found = spot.Get();
    if (found == nullptr) return Nothing(path);
    *found = ValueOrNull();
    return absl::OkStatus();
  }

  absl::Status Test(const Spot& spot, absl::string_view path) {
    const Value* found = spot.Get();
    const Value wanted = ValueOrNull();
    if (found == nullptr ? wanted.is_null() : *found == wanted) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("what stands at '", path, "' is not what the patch expects"));
  }

  const Value& operation_;
  Value& document_;
};

}  // namespace

absl::Status ApplyJson6902(const Value& operations, Value& document) {
  if (operations.list().size() > limits::kPatchOperationsMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the patch has more than ", limits::kPatchOperationsMax, " operations"));
  }
  for (size_t i = 0; i < operations.list().size(); ++i) {
    Operation operation(operations.list()[i], document);
    RETURN_IF_ERROR(Annotate(operation.Apply(), operation.Name(i)));
  }
  return absl::OkStatus();
}

}  // namespace muster::kustomize

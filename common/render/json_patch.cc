#include "common/render/json_patch.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/yaml_limits.h"

namespace muster {
namespace {

using Steps = std::vector<std::string>;

// How deep a value is (a scalar is 0), counting its nodes into `nodes`.
int DepthOf(const Value& value, int64_t& nodes) {
  ++nodes;
  int depth = 0;
  if (value.is_list()) {
    for (const Value& element : value.list()) depth = std::max(depth, 1 + DepthOf(element, nodes));
  } else if (value.is_map()) {
    for (const Member& member : value.map()) {
      depth = std::max(depth, 1 + DepthOf(member.value, nodes));
    }
  }
  return depth;
}

// RFC 6901, 4: "0", or digits without a leading zero. At most `size`, which is one past the last.
std::optional<size_t> IndexOf(absl::string_view step, size_t size) {
  size_t index = 0;
  const bool plain = !step.empty() && step.size() <= 9 &&
                     step.find_first_not_of("0123456789") == absl::string_view::npos &&
                     (step == "0" || step[0] != '0');
  if (!plain || !absl::SimpleAtoi(step, &index) || index > size) return std::nullopt;
  return index;
}

Value* Walk(Value& from, absl::Span<const std::string> steps) {
  Value* at = &from;
  for (const std::string& step : steps) {
    if (at->is_list()) {
      const std::optional<size_t> index = IndexOf(step, at->list().size());
      at = index && *index < at->list().size() ? &at->list()[*index] : nullptr;
    } else {
      at = at->Get(step);
    }
    if (at == nullptr) return nullptr;
  }
  return at;
}

class Patcher {
 public:
  explicit Patcher(Value& document) : document_(document) {}

  absl::Status Apply(const Value& operation) {
    const Value* op = operation.Get("op");
    ASSIGN_OR_RETURN(const Steps path, Pointer(operation, "path"));
    if (op->string() == "add") return Add(path, operation.Get("value"));
    if (op->string() == "remove") return Remove(path).status();
    if (op->string() == "replace") return Replace(path, operation.Get("value"));
    if (op->string() == "test") return Test(path, operation.Get("value"));
    if (op->string() != "move" && op->string() != "copy") {
      return absl::InvalidArgumentError(
          "is no operation; known are add, remove, replace, move, copy and test");
    }
    ASSIGN_OR_RETURN(const Steps from, Pointer(operation, "from"));
    return op->string() == "move" ? Move(from, path) : Copy(from, path);
  }

 private:
  static absl::StatusOr<Steps> Pointer(const Value& operation, absl::string_view name) {
    const Value* pointer = operation.Get(name);
    if (pointer == nullptr || !pointer->is_string()) {
      return absl::InvalidArgumentError(absl::StrCat("needs '", name, "', a JSON pointer"));
    }
    std::optional<Steps> steps = SplitPointer(pointer->string());
    if (!steps) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", name, "' is no JSON pointer; it starts with '/', with ~1 for '/' and ~0 for '~'"));
    }
    return *std::move(steps);
  }

  absl::Status Charge(const Value& value, size_t steps) {
    const int depth = DepthOf(value, nodes_);
    if (nodes_ > kYamlNodesMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the patch adds more than ", kYamlNodesMax, " values"));
    }
    if (static_cast<int>(steps) + depth > limits::kYamlDepthMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the result is more than ", limits::kYamlDepthMax, " levels deep"));
    }
    return absl::OkStatus();
  }

  absl::Status Add(const Steps& path, const Value* value) {
    if (value == nullptr) return absl::InvalidArgumentError("needs 'value'");
    return Put(path, *value);
  }

  absl::Status Put(const Steps& path, Value value) {
    RETURN_IF_ERROR(Charge(value, path.size()));
    if (path.empty()) {
      document_ = std::move(value);
      return absl::OkStatus();
    }
    Value* parent = Walk(document_, absl::MakeSpan(path).first(path.size() - 1));
    if (parent != nullptr && parent->is_map()) {
      parent->map().Set(path.back(), std::move(value));
      return absl::OkStatus();
    }
    if (parent == nullptr || !parent->is_list()) {
      return absl::FailedPreconditionError("the path's parent is not there; add it first");
    }
    Value::List& list = parent->list();
    const std::optional<size_t> index =
        path.back() == "-" ? list.size() : IndexOf(path.back(), list.size());
    if (!index) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the list has ", list.size(), " elements; the path ends in an index up to that, or '-'"));
    }
    list.insert(list.begin() + static_cast<ptrdiff_t>(*index), std::move(value));
    return absl::OkStatus();
  }

  absl::StatusOr<Value> Remove(const Steps& path) {
    if (path.empty()) {
      return absl::InvalidArgumentError(
          "the whole object cannot be taken away so; use a strategic "
          "merge patch with '$patch: delete'");
    }
    Value* parent = Walk(document_, absl::MakeSpan(path).first(path.size() - 1));
    Value* child = Walk(document_, path);
    if (child == nullptr) return absl::FailedPreconditionError("there is nothing at the path");
    Value removed = std::move(*child);
    if (parent->is_map()) {
      parent->map().Erase(path.back());
    } else {
      parent->list().erase(parent->list().begin() + (child - parent->list().data()));
    }
    return removed;
  }

  absl::Status Replace(const Steps& path, const Value* value) {
    if (value == nullptr) return absl::InvalidArgumentError("needs 'value'");
    RETURN_IF_ERROR(Charge(*value, path.size()));
    Value* target = Walk(document_, path);
    if (target == nullptr) return absl::FailedPreconditionError("there is nothing at the path");
    Value copy = *value;
    *target = std::move(copy);
    return absl::OkStatus();
  }

  absl::Status Test(const Steps& path, const Value* value) {
    if (value == nullptr) return absl::InvalidArgumentError("needs 'value'");
    const Value* target = Walk(document_, path);
    if (target == nullptr) return absl::FailedPreconditionError("there is nothing at the path");
    if (!(*target == *value)) {
      return absl::FailedPreconditionError("the value there is another; nothing was patched");
    }
    return absl::OkStatus();
  }

  absl::Status Move(const Steps& from, const Steps& path) {
    if (path.size() > from.size() && std::equal(from.begin(), from.end(), path.begin())) {
      return absl::InvalidArgumentError("cannot move a value into itself");
    }
    if (Walk(document_, from) == nullptr) {
      return absl::FailedPreconditionError("there is nothing at 'from'");
    }
    if (from == path) return absl::OkStatus();
    ASSIGN_OR_RETURN(Value moved, Remove(from));
    return Put(path, std::move(moved));
  }

  absl::Status Copy(const Steps& from, const Steps& path) {
    const Value* source = Walk(document_, from);
    if (source == nullptr) return absl::FailedPreconditionError("there is nothing at 'from'");
    RETURN_IF_ERROR(Charge(*source, path.size()));
    return Put(path, *source);
  }

  Value& document_;
  int64_t nodes_ = 0;
};

std::string NameOf(size_t index, const Value& operation) {
  std::string name = absl::StrCat("operation ", index + 1);
  const Value* op = operation.Get("op");
  const Value* path = operation.Get("path");
  if (op == nullptr || !op->is_string()) return name;
  absl::StrAppend(&name, " (", op->string());
  if (path != nullptr && path->is_string()) absl::StrAppend(&name, " ", path->string());
  return absl::StrCat(name, ")");
}

}  // namespace

absl::Status ApplyJsonPatch(const Value& operations, Value& document) {
  if (!operations.is_list()) {
    return absl::InvalidArgumentError("a JSON patch is a list of operations");
  }
  if (operations.list().size() > limits::kPatchOperationsMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the patch has more than ", limits::kPatchOperationsMax, " operations"));
  }
  Value patched = document;
  Patcher patcher(patched);
  for (size_t index = 0; index < operations.list().size(); ++index) {
    const Value& operation = operations.list()[index];
    const Value* op = operation.Get("op");
    const absl::Status status =
        op == nullptr || !op->is_string()
            ? absl::InvalidArgumentError("needs 'op': add, remove, replace, move, copy or test")
            : patcher.Apply(operation);
    if (!status.ok()) return Annotate(status, NameOf(index, operation));
  }
  document = std::move(patched);
  return absl::OkStatus();
}

}  // namespace muster

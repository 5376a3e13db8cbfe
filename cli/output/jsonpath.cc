#include "cli/output/jsonpath.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/output/document.h"
#include "cli/output/text.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

constexpr size_t kTextMax = 16 << 10;
constexpr int kRangesMax = 16;  // one in another

struct Filter;

// One step of a path.
struct Step {
  enum class Kind { kRoot, kField, kIndex, kSlice, kAll, kFilter };
  Kind kind = Kind::kField;
  std::string name;             // of a field
  int64_t first = 0;            // index, or start of a slice
  std::optional<int64_t> last;  // end of a slice, exclusive
  std::shared_ptr<const Filter> filter;
};

using Path = std::vector<Step>;

// `@.left` alone (whether it is there), or compared with a literal.
struct Filter {
  Path left;
  std::string op;  // empty: is it there
  Value right;
};

}  // namespace

struct JsonPath::Node {
  std::string text;            // printed as it is
  Path path;                   // when there is no text
  bool is_range = false;       // `children` once for each result of `path`
  std::vector<Node> children;  // of a range
};

namespace {

using Node = JsonPath::Node;

// ---------------------------------------------------------------- reading

class Reader {
 public:
  explicit Reader(absl::string_view text) : text_(text) {}

  // Nodes up to the end, or up to the {end} of the range that they are in.
  absl::StatusOr<std::vector<Node>> Nodes(int depth) {
    if (depth > kRangesMax) return Wrong("too many ranges one in another");
    std::vector<Node> nodes;
    while (at_ < text_.size()) {
      if (!Take("{")) {
        nodes.push_back({.text = std::string(1, text_[at_++])});
        continue;
      }
      Space();
      if (TakeWord("end")) {
        if (depth == 0) return Wrong("{end} without {range}");
        RETURN_IF_ERROR(Expect("}"));
        return nodes;
      }
      Node node;
      node.is_range = TakeWord("range");
      Space();
      if (!node.is_range && (Peek() == '"' || Peek() == '\'')) {
        ASSIGN_OR_RETURN(node.text, Quoted());
      } else {
        ASSIGN_OR_RETURN(node.path, ReadPath());
      }
      Space();
      RETURN_IF_ERROR(Expect("}"));
      if (node.is_range) {
        ASSIGN_OR_RETURN(node.children, Nodes(depth + 1));
      }
      nodes.push_back(std::move(node));
    }
    if (depth > 0) return Wrong("{range} without {end}");
    return nodes;
  }

  // A path up to the end of the text.
  absl::StatusOr<Path> WholePath() {
    ASSIGN_OR_RETURN(Path path, ReadPath());
    if (at_ < text_.size()) return Wrong("a path goes on with '.' or '['");
    return path;
  }

 private:
  absl::Status Wrong(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("column ", at_ + 1, ": ", what));
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void Space() {
    while (Peek() == ' ') ++at_;
  }
  bool Take(absl::string_view sign) {
    if (!absl::StartsWith(text_.substr(at_), sign)) return false;
    at_ += sign.size();
    return true;
  }
  bool TakeWord(absl::string_view word) {
    const absl::string_view rest = text_.substr(at_);
    if (!absl::StartsWith(rest, word)) return false;
    if (rest.size() > word.size() && rest[word.size()] != ' ' && rest[word.size()] != '}') {
      return false;
    }
    return Take(word);
  }
  absl::Status Expect(absl::string_view sign) {
    return Take(sign) ? absl::OkStatus() : Wrong(absl::StrCat("'", sign, "' is missing"));
  }

  absl::StatusOr<std::string> Quoted() {
    const char quote = text_[at_++];
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) {
      char c = text_[at_++];
      if (c == '\\' && at_ < text_.size()) {
        c = text_[at_++];
        if (c == 'n') c = '\n';
        if (c == 't') c = '\t';
      }
      out += c;
    }
    RETURN_IF_ERROR(Expect(std::string(1, quote)));
    return out;
  }

  absl::StatusOr<Path> ReadPath() {
    Path path;
    if (Take("$")) path.push_back({.kind = Step::Kind::kRoot});
    const bool here = Take("@");
    const size_t start = at_;
    while (true) {
      if (absl::StartsWith(text_.substr(at_), "..")) {
        return Wrong("'..' is not built: write the whole path");
      }
      if (Take("[")) {
        ASSIGN_OR_RETURN(Step step, Bracket());
        path.push_back(std::move(step));
      } else if (Take(".")) {
        std::string name = Name();
        if (name == "*") {
          path.push_back({.kind = Step::Kind::kAll});
        } else if (!name.empty()) {
          path.push_back({.kind = Step::Kind::kField, .name = std::move(name)});
        } else if (Peek() != '[' && at_ != start + 1) {
          return Wrong("a name is missing after '.'");
        }
      } else {
        break;
      }
    }
    if (at_ == start && path.empty() && !here)
      return Wrong("a path starts with '.', as in {.name}");
    return path;
  }

  // Letters as they stand, with a backslash before signs that mean something.
  std::string Name() {
    std::string name;
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (c == '\\' && at_ + 1 < text_.size()) {
        c = text_[++at_];
      } else if (!absl::ascii_isalnum(c) && !absl::StrContains("_-/*", absl::string_view(&c, 1))) {
        break;
      }
      name += c;
      ++at_;
    }
    return name;
  }

  // What stands in brackets, after the first one.
  absl::StatusOr<Step> Bracket() {
    Step step;
    if (Take("*")) {
      step.kind = Step::Kind::kAll;
    } else if (Peek() == '\'' || Peek() == '"') {
      step.kind = Step::Kind::kField;
      ASSIGN_OR_RETURN(step.name, Quoted());
    } else if (Take("?(")) {
      step.kind = Step::Kind::kFilter;
      ASSIGN_OR_RETURN(step.filter, ReadFilter());
    } else {
      RETURN_IF_ERROR(ReadIndex(step));
    }
    RETURN_IF_ERROR(Expect("]"));
    return step;
  }

  absl::Status ReadIndex(Step& step) {
    const std::optional<int64_t> first = Number();
    step.kind = Step::Kind::kIndex;
    step.first = first.value_or(0);
    if (Take(":")) {
      step.kind = Step::Kind::kSlice;
      step.last = Number();
    } else if (!first) {
      return Wrong("a number, '*', a quoted name or '?(...)' is missing");
    }
    return absl::OkStatus();
  }

  std::optional<int64_t> Number() {
    size_t end = at_;
    if (Peek() == '-') ++end;
    while (end < text_.size() && absl::ascii_isdigit(text_[end])) ++end;
    int64_t number = 0;
    if (!absl::SimpleAtoi(text_.substr(at_, end - at_), &number)) return std::nullopt;
    at_ = end;
    return number;
  }

  absl::StatusOr<std::shared_ptr<const Filter>> ReadFilter() {
    auto filter = std::make_shared<Filter>();
    Space();
    if (Peek() != '@') return Wrong("a filter asks '@', as in [?(@.sync==\"Synced\")]");
    ASSIGN_OR_RETURN(filter->left, ReadPath());
    Space();
    for (const char* op : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (!Take(op)) continue;
      filter->op = op;
      break;
    }
    Space();
    if (!filter->op.empty()) {
      ASSIGN_OR_RETURN(filter->right, Literal());
    }
    Space();
    RETURN_IF_ERROR(Expect(")"));
    return filter;
  }

  absl::StatusOr<Value> Literal() {
    if (Peek() == '"' || Peek() == '\'') {
      ASSIGN_OR_RETURN(std::string text, Quoted());
      return Value(std::move(text));
    }
    if (TakeLiteral("true")) return Value(true);
    if (TakeLiteral("false")) return Value(false);
    if (TakeLiteral("null")) return Value();
    if (const std::optional<int64_t> number = Number()) return Value(*number);
    return Wrong("a text in quotes, a whole number, true, false or null is missing");
  }
  bool TakeLiteral(absl::string_view word) { return Take(word); }

  const absl::string_view text_;
  size_t at_ = 0;
};

// ---------------------------------------------------------------- finding

// Less, equal or greater; nullopt when the two cannot be compared.
std::optional<int> Compare(const Value& a, const Value& b) {
  const auto sign = [](const auto& x, const auto& y) { return x < y ? -1 : (y < x ? 1 : 0); };
  if (a.is_string() && b.is_string()) return sign(a.string(), b.string());
  const std::optional<int64_t> x = a.AsInt64();
  const std::optional<int64_t> y = b.AsInt64();
  if (x && y) return sign(*x, *y);
  if (a == b) return 0;
  return std::nullopt;
}

std::vector<const Value*> FindAll(const Path& path, const Value& root, const Value& here);

bool Holds(const Filter& filter, const Value& root, const Value& item) {
  const std::vector<const Value*> found = FindAll(filter.left, root, item);
  if (filter.op.empty()) {
    return std::any_of(found.begin(), found.end(),
                       [](const Value* one) { return !one->is_null(); });
  }
  if (found.empty()) return filter.op == "!=";
  const std::optional<int> order = Compare(*found.front(), filter.right);
  if (!order) return filter.op == "!=";
  if (filter.op == "==") return *order == 0;
  if (filter.op == "!=") return *order != 0;
  if (filter.op == "<") return *order < 0;
  if (filter.op == "<=") return *order <= 0;
  if (filter.op == ">") return *order > 0;
  return *order >= 0;
}

void TakeSlice(const Step& step, const Value::List& list, std::vector<const Value*>& found) {
  const int64_t size = static_cast<int64_t>(list.size());
  const auto place = [size](int64_t at) { return at < 0 ? at + size : at; };
  const int64_t first = place(step.first);
  int64_t last = first + 1;
  if (step.kind == Step::Kind::kSlice) last = step.last ? place(*step.last) : size;
  if (step.kind == Step::Kind::kIndex && first < 0) return;
  for (int64_t at = std::max<int64_t>(0, first); at < std::min(last, size); ++at) {
    found.push_back(&list[static_cast<size_t>(at)]);
  }
}

void TakeStep(const Step& step, const Value& root, const Value& value,
              std::vector<const Value*>& found) {
  switch (step.kind) {
    case Step::Kind::kRoot:
      found.push_back(&root);
      return;
    case Step::Kind::kField:
      if (const Value* const member = value.Get(step.name)) found.push_back(member);
      return;
    case Step::Kind::kIndex:
    case Step::Kind::kSlice:
      if (value.is_list()) TakeSlice(step, value.list(), found);
      return;
    case Step::Kind::kAll:
    case Step::Kind::kFilter:
      break;
  }
  const auto take = [&](const Value& item) {
    if (step.filter == nullptr || Holds(*step.filter, root, item)) found.push_back(&item);
  };
  if (value.is_list()) {
    for (const Value& item : value.list()) take(item);
  } else if (value.is_map()) {
    for (const Member& member : value.map()) take(member.value);
  }
}

std::vector<const Value*> FindAll(const Path& path, const Value& root, const Value& here) {
  std::vector<const Value*> found = {&here};
  for (const Step& step : path) {
    std::vector<const Value*> next;
    for (const Value* value : found) TakeStep(step, root, *value, next);
    found = std::move(next);
  }
  return found;
}

// ---------------------------------------------------------------- printing

std::string TextOf(const Value& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return SafeLines(value.string());
  return std::string(absl::StripTrailingAsciiWhitespace(JsonLine(value)));
}

void Append(const std::vector<Node>& nodes, const Value& root, const Value& here,
            std::string& out) {
  for (const Node& node : nodes) {
    if (!node.text.empty()) {
      out += node.text;
      continue;
    }
    const std::vector<const Value*> found = FindAll(node.path, root, here);
    for (size_t i = 0; i < found.size(); ++i) {
      if (node.is_range) {
        Append(node.children, root, *found[i], out);
      } else {
        absl::StrAppend(&out, i == 0 ? "" : " ", TextOf(*found[i]));
      }
    }
  }
}

}  // namespace

absl::StatusOr<JsonPath> JsonPath::Parse(absl::string_view text) {
  if (text.empty()) return absl::InvalidArgumentError("it is empty");
  if (text.size() > kTextMax) {
    return absl::InvalidArgumentError(absl::StrCat("it is longer than ", kTextMax, " bytes"));
  }
  ASSIGN_OR_RETURN(std::vector<Node> nodes, Reader(text).Nodes(0));
  JsonPath path;
  path.nodes_ = std::make_shared<const std::vector<Node>>(std::move(nodes));
  return path;
}

absl::StatusOr<JsonPath> JsonPath::ParsePath(absl::string_view text) {
  if (absl::ConsumePrefix(&text, "{") && !absl::ConsumeSuffix(&text, "}")) {
    return absl::InvalidArgumentError("'}' is missing");
  }
  const bool bare = !text.empty() && (absl::ascii_isalpha(text[0]) || text[0] == '_');
  const std::string whole = absl::StrCat(bare ? "." : "", text);
  ASSIGN_OR_RETURN(Path path, Reader(whole).WholePath());
  JsonPath made;
  made.nodes_ = std::make_shared<const std::vector<Node>>(1, Node{.path = std::move(path)});
  return made;
}

std::string JsonPath::Text(const Value& document) const {
  std::string out;
  Append(*nodes_, document, document, out);
  return out;
}

std::vector<const Value*> JsonPath::Find(const Value& document) const {
  CHECK_EQ(nodes_->size(), 1u);
  return FindAll(nodes_->front().path, document, document);
}

}  // namespace muster::cli

#include "common/render/ignore.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace muster {
namespace {

constexpr absl::string_view kIgnoreFiles[] = {".musterignore", ".sourceignore", ".fleetignore"};

// One element of a glob: what it matches, and how often.
struct Token {
  enum class Kind {
    kByte,
    kAny,
    kClass,
    kStar,
    kGlobStar,
    kMaybe,  // matches nothing itself; the two tokens after it may be left out
  };
  Kind kind = Kind::kByte;
  char byte = 0;
  bool negated = false;     // [!...]
  absl::string_view set{};  // between the brackets
};

bool InSet(absl::string_view set, char byte) {
  for (size_t at = 0; at < set.size(); ++at) {
    if (at + 2 < set.size() && set[at + 1] == '-') {
      if (set[at] <= byte && byte <= set[at + 2]) return true;
      at += 2;
    } else if (set[at] == byte) {
      return true;
    }
  }
  return false;
}

std::vector<Token> TokensOf(absl::string_view glob) {
  std::vector<Token> tokens;
  for (size_t at = 0; at < glob.size(); ++at) {
    Token token;
    if (absl::StartsWith(glob.substr(at), "**/") && (at == 0 || glob[at - 1] == '/')) {
      // No directory, or any number of them.
      tokens.push_back({.kind = Token::Kind::kMaybe});
      token.kind = Token::Kind::kGlobStar;
      ++at;
    } else if (absl::StartsWith(glob.substr(at), "**")) {
      token.kind = Token::Kind::kGlobStar;
      ++at;
    } else if (glob[at] == '*') {
      token.kind = Token::Kind::kStar;
    } else if (glob[at] == '?') {
      token.kind = Token::Kind::kAny;
    } else if (glob[at] == '[' && glob.find(']', at + 2) != absl::string_view::npos) {
      const size_t end = glob.find(']', at + 2);
      token.kind = Token::Kind::kClass;
      token.set = glob.substr(at + 1, end - at - 1);
      token.negated = absl::ConsumePrefix(&token.set, "!") || absl::ConsumePrefix(&token.set, "^");
      at = end;
    } else {
      if (glob[at] == '\\' && at + 1 < glob.size()) ++at;
      token.byte = glob[at];
    }
    tokens.push_back(token);
  }
  return tokens;
}

bool MatchesOne(const Token& token, char byte) {
  switch (token.kind) {
    case Token::Kind::kByte:
      return token.byte == byte;
    case Token::Kind::kClass:
      return byte != '/' && InSet(token.set, byte) != token.negated;
    case Token::Kind::kGlobStar:
      return true;
    case Token::Kind::kMaybe:
      return false;
    default:
      return byte != '/';
  }
}

bool Repeats(const Token& token) {
  return token.kind == Token::Kind::kStar || token.kind == Token::Kind::kGlobStar;
}

}  // namespace

// Follows all ways at once: states[i] says that the tokens before i have matched so far.
bool MatchesGlob(absl::string_view glob, absl::string_view text) {
  // Most patterns are names.
  if (glob.find_first_of("*?[\\") == glob.npos) return glob == text;
  const std::vector<Token> tokens = TokensOf(glob);
  std::vector<char> states(tokens.size() + 1, false);
  std::vector<char> next = states;
  states[0] = true;
  const auto skip_ahead = [&tokens](std::vector<char>& reached) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (!reached[i]) continue;
      const bool maybe = tokens[i].kind == Token::Kind::kMaybe;
      if (maybe || Repeats(tokens[i])) reached[i + 1] = true;
      if (maybe) reached[i + 3] = true;
    }
  };
  skip_ahead(states);
  for (const char byte : text) {
    std::fill(next.begin(), next.end(), false);
    bool any = false;
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (!states[i] || !MatchesOne(tokens[i], byte)) continue;
      next[Repeats(tokens[i]) ? i : i + 1] = true;
      any = true;
    }
    if (!any) return false;
    skip_ahead(next);
    states.swap(next);
  }
  return states[tokens.size()];
}

IgnorePatterns::IgnorePatterns(absl::string_view text) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripSuffix(line, "\r");
    while (absl::EndsWith(line, " ") && !absl::EndsWith(line, "\\ ")) line.remove_suffix(1);
    if (line.empty() || line[0] == '#') continue;
    Pattern pattern;
    pattern.negated = absl::ConsumePrefix(&line, "!");
    pattern.directory_only = absl::ConsumeSuffix(&line, "/");
    pattern.anchored = absl::StrContains(line, '/');
    absl::ConsumePrefix(&line, "/");
    if (line.empty()) continue;
    pattern.glob = std::string(line);
    patterns_.push_back(std::move(pattern));
  }
}

bool IgnorePatterns::Matches(absl::string_view path, bool is_directory) const {
  const size_t slash = path.rfind('/');
  const absl::string_view name = slash == path.npos ? path : path.substr(slash + 1);
  for (auto pattern = patterns_.rbegin(); pattern != patterns_.rend(); ++pattern) {
    if (pattern->directory_only && !is_directory) continue;
    if (MatchesGlob(pattern->glob, pattern->anchored ? path : name)) return !pattern->negated;
  }
  return false;
}

bool IgnorePatterns::Ignores(absl::string_view path) const {
  if (patterns_.empty()) return false;
  for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
    if (Matches(path.substr(0, slash), /*is_directory=*/true)) return true;
  }
  return Matches(path, /*is_directory=*/false);
}

IgnoreFiles::IgnoreFiles(const FileTree& files, absl::string_view root) {
  for (const auto& [path, text] : files.Below(root)) {
    const size_t name = path.rfind('/') + 1;
    if (std::find(std::begin(kIgnoreFiles), std::end(kIgnoreFiles), path.substr(name)) ==
        std::end(kIgnoreFiles)) {
      continue;
    }
    scopes_.push_back({path.substr(0, name), IgnorePatterns(text)});
  }
}

bool IgnoreFiles::Ignores(absl::string_view path) const {
  for (const Scope& scope : scopes_) {
    absl::string_view relative = path;
    if (absl::ConsumePrefix(&relative, scope.directory) && scope.patterns.Ignores(relative)) {
      return true;
    }
  }
  return false;
}

}  // namespace muster

#include "cli/grammar.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/command_tree.h"
#include "cli/commands/commands.h"
#include "cli/output/format.h"
#include "cli/output/jsonpath.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

bool IsShown(const CLI::App* app) { return !app->get_name().empty(); }

std::vector<const CLI::App*> Children(const CLI::App& app) { return app.get_subcommands(IsShown); }

const CLI::App* Child(const CLI::App& app, const std::string& name) {
  for (const CLI::App* child : Children(app)) {
    if (child->get_name() == name) return child;
  }
  return nullptr;
}

std::vector<std::string> ChildNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* child : Children(app)) names.push_back(child->get_name());
  return names;
}

// "--selector", "-l", ...: the flags of `app` itself.
std::vector<std::string> FlagNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

const CLI::Option* FindFlag(const CLI::App& app, const CLI::App& root, const std::string& name) {
  for (const CLI::App* place : {&app, &root}) {
    for (const CLI::Option* option : place->get_options()) {
      for (const std::string& known : option->get_lnames()) {
        if (name == "--" + known) return option;
      }
      for (const std::string& known : option->get_snames()) {
        if (name == "-" + known) return option;
      }
    }
  }
  return nullptr;
}

// What stands where on a command line, read without judging values.
struct Reading {
  const CLI::App* command = nullptr;
  std::string name;                   // "token create"
  std::vector<std::string> operands;  // but the names of commands
  std::string flag;                   // the last word, when its value would be next
  std::string unknown_command;        // the first word that is none, where one is due
  std::string unknown_flag;           // the first one
};

// "--limit=5" -> "--limit"; "-l" of "-lenv=prod".
std::string FlagOf(const std::string& word) {
  if (absl::StartsWith(word, "--")) return word.substr(0, word.find('='));
  return word.substr(0, 2);
}

void ReadFlag(const std::string& word, const CLI::App& root, Reading& reading) {
  const std::string name = FlagOf(word);
  const CLI::Option* option = FindFlag(*reading.command, root, name);
  if (option == nullptr) {
    if (reading.unknown_flag.empty()) reading.unknown_flag = name;
  } else if (option->get_items_expected_max() > 0 && word.size() == name.size()) {
    reading.flag = name;
  }
}

Reading Read(const CLI::App& root, const std::vector<std::string>& words) {
  Reading reading;
  reading.command = &root;
  bool only_operands = false;
  for (const std::string& word : words) {
    if (!reading.flag.empty()) {
      reading.flag.clear();  // its value
      continue;
    }
    if (!only_operands && word == "--") {
      only_operands = true;
    } else if (!only_operands && word.size() > 1 && word[0] == '-') {
      ReadFlag(word, root, reading);
    } else if (Children(*reading.command).empty()) {
      reading.operands.push_back(word);
    } else if (const CLI::App* child = Child(*reading.command, word); child != nullptr) {
      reading.command = child;
      absl::StrAppend(&reading.name, reading.name.empty() ? "" : " ", word);
    } else if (reading.unknown_command.empty()) {
      reading.unknown_command = word;
    }
  }
  return reading;
}

absl::Status CheckReading(const CLI::App& root, const Reading& reading) {
  const std::string prefix = absl::StrCat("muster ", reading.name, reading.name.empty() ? "" : " ");
  if (!reading.unknown_command.empty()) {
    return UsageProblem(
        absl::StrCat("'", prefix, reading.unknown_command, "' is no command",
                     Suggestion(reading.unknown_command, ChildNames(*reading.command))),
        absl::StrCat(prefix, "--help"));
  }
  if (!reading.unknown_flag.empty()) {
    std::vector<std::string> flags = FlagNames(*reading.command);
    for (std::string& flag : FlagNames(root)) flags.push_back(std::move(flag));
    return UsageProblem(absl::StrCat("unknown flag '", reading.unknown_flag, "'",
                                     Suggestion(reading.unknown_flag, flags)),
                        absl::StrCat(prefix, "--help"));
  }
  return absl::OkStatus();
}

// `name` is the command's whole name, "token create", or empty for all of muster.
Command Help(const CLI::App& app, const std::string& name) {
  // CLI11 adds the last part of a name by itself.
  const size_t space = name.rfind(' ');
  std::string parents;
  if (!name.empty()) parents = "muster";
  if (space != std::string::npos) absl::StrAppend(&parents, " ", name.substr(0, space));
  return [text = app.help(parents)](Session& session) -> absl::StatusOr<ExitCode> {
    session.Print(text);
    return ExitCode::kOk;
  };
}

// `muster help get` is `muster get --help`.
absl::StatusOr<Command> HelpFor(const CLI::App& root, const std::vector<std::string>& words) {
  const Reading reading = Read(root, words);
  RETURN_IF_ERROR(CheckReading(root, reading));
  return Help(*reading.command, reading.name);
}

// What CLI11 says of a word that does not fit, made a sentence of ours.
absl::Status ParseProblem(const CLI::ParseError& error, const Reading& reading) {
  const std::string usage =
      absl::StrCat("muster ", reading.name, reading.name.empty() ? "" : " ", "--help");
  if (reading.name.empty()) return UsageProblem("which command?", "muster --help");
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    if (!Children(*reading.command).empty()) {
      return UsageProblem(absl::StrCat("'muster ", reading.name, "' needs one of: ",
                                       absl::StrJoin(ChildNames(*reading.command), ", ")),
                          usage);
    }
    return UsageProblem(absl::StrCat("something is missing: ", error.what()), usage);
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    return UsageProblem(absl::StrCat("'muster ", reading.name, "' takes no more words: ",
                                     absl::StrJoin(reading.operands, " ")),
                        usage);
  }
  return UsageProblem(error.what(), usage);
}

absl::Status CheckFormat(const std::string& format) {
  const std::vector<std::string>& names = FormatNames();
  if (const std::string path = TemplateOf(format); !path.empty()) {
    const absl::Status parsed = JsonPath::Parse(path).status();
    if (parsed.ok()) return parsed;
    return UsageProblem(absl::StrCat("-o ", format, ": ", parsed.message()),
                        "for example: -o jsonpath='{.items[*].name}'");
  }
  if (format == "jsonpath" || format == "jsonpath=") {
    return UsageProblem("-o jsonpath needs a template",
                        "for example: -o jsonpath='{.items[*].name}'");
  }
  if (std::find(names.begin(), names.end(), format) != names.end()) return absl::OkStatus();
  return UsageProblem(absl::StrCat("unknown format '", format, "'", Suggestion(format, names)),
                      absl::StrCat("-o takes: ", absl::StrJoin(names, ", ")));
}

void AddCommands(const CLI::App& app, const std::string& prefix, std::vector<std::string>& names) {
  for (const CLI::App* child : Children(app)) {
    const std::string name = absl::StrCat(prefix, prefix.empty() ? "" : " ", child->get_name());
    if (Children(*child).empty()) names.push_back(name);
    AddCommands(*child, name, names);
  }
}

}  // namespace

Grammar::Grammar() : tree_(std::make_unique<CommandTree>()) {}
Grammar::~Grammar() = default;

const GlobalFlags& Grammar::flags() const { return tree_->flags; }

absl::StatusOr<Command> Grammar::Parse(const std::vector<std::string>& arguments) {
  CLI::App& root = tree_->app;
  if (arguments.empty()) return Help(root, "");
  const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (arguments[0] == "help") return HelpFor(root, rest);
  if (arguments[0] == "init") {
    // Its flags are those of `muster-hub init`, which also explains them.
    return Command(
        [options = InitOptions{rest}](Session& session) { return Init(session, options); });
  }
  const Reading reading = Read(root, arguments);
  RETURN_IF_ERROR(CheckReading(root, reading));
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    root.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return Help(*reading.command, reading.name);
  } catch (const CLI::ParseError& error) {
    // Before the error is told: it should be told in the format that was asked for.
    if (!CheckFormat(tree_->flags.format).ok()) tree_->flags.format = "table";
    return ParseProblem(error, reading);
  }
  const absl::Status format = CheckFormat(tree_->flags.format);
  if (!format.ok()) {
    tree_->flags.format = "table";
    return format;
  }
  if (tree_->flags.format == "markdown" && reading.name != "plan") {
    tree_->flags.format = "table";
    return UsageProblem("-o markdown is for 'muster plan' alone", "muster plan --help");
  }
  return tree_->chosen;
}

CompletionPoint Grammar::PointOf(const std::vector<std::string>& words) const {
  CompletionPoint point;
  if (words.empty()) return point;
  point.partial = words.back();
  const CLI::App& root = tree_->app;
  const Reading reading = Read(root, {words.begin(), words.end() - 1});
  point.command = reading.name;
  point.operands = reading.operands;
  point.flag = reading.flag;
  if (!point.flag.empty()) return point;
  if (absl::StartsWith(point.partial, "-")) {
    point.candidates = FlagNames(*reading.command);
    if (reading.command != &root) {
      for (std::string& flag : FlagNames(root)) point.candidates.push_back(std::move(flag));
    }
    std::sort(point.candidates.begin(), point.candidates.end());
    point.candidates.erase(std::unique(point.candidates.begin(), point.candidates.end()),
                           point.candidates.end());
  } else {
    point.candidates = ChildNames(*reading.command);
  }
  return point;
}

std::vector<std::string> Grammar::Commands() const {
  std::vector<std::string> names;
  AddCommands(tree_->app, "", names);
  return names;
}

}  // namespace muster::cli

#include "cli/output/plan_text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/output/text.h"

namespace muster::cli {
namespace {

namespace pb = muster::v1;

constexpr int kClustersShown = 5;

// "prod-1, prod-2 and 185 more".
std::string ClustersText(const pb::PlanGroup& group, bool all) {
  std::vector<std::string> names;
  for (const std::string& name : group.clusters()) {
    if (!all && static_cast<int>(names.size()) == kClustersShown) break;
    names.push_back(SafeText(name));
  }
  const int more = group.clusters_size() - static_cast<int>(names.size());
  return absl::StrCat(absl::StrJoin(names, ", "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "");
}

// "1 object deleted (held), 2 changed, 3 added".
std::string CountsText(const pb::PlanGroup& group) {
  if (!group.error().empty()) return "cannot be rendered";
  std::vector<std::string> parts;
  const auto add = [&](int count, absl::string_view what) {
    if (count == 0) return;
    parts.push_back(parts.empty() ? absl::StrCat(Count(count, "object"), " ", what)
                                  : absl::StrCat(count, " ", what));
  };
  if (group.held() == group.deleted()) {
    add(group.deleted(), "deleted (held)");
  } else {
    add(group.deleted(),
        group.held() == 0 ? "deleted" : absl::StrCat("deleted (", group.held(), " of them held)"));
  }
  add(group.changed(), "changed");
  add(group.added(), "added");
  add(group.left(), "left unmanaged");
  if (parts.empty()) parts.push_back("objects move to another package");
  return absl::StrJoin(parts, ", ");
}

std::string NameOf(const pb::PlanObject& object) {
  return SafeText(absl::StrCat(object.kind(), " ", object.namespace_(),
                               object.namespace_().empty() ? "" : "/", object.name()));
}

struct Verb {
  char sign;
  absl::string_view word;
  Tone tone;
};

Verb VerbOf(const pb::PlanObject& object) {
  switch (object.what()) {
    case pb::PlanObject::WHAT_DELETED:
      return {'-', "delete", Tone::kBad};
    case pb::PlanObject::WHAT_LEFT:
      return {'=', "leave", Tone::kUnknown};
    case pb::PlanObject::WHAT_MOVED:
      return {'>', "move", Tone::kFaint};
    case pb::PlanObject::WHAT_ADDED:
      return {'+', "add", Tone::kGood};
    default:
      return {'~', "change", Tone::kWorking};
  }
}

// What stands behind an object's name.
std::string NoteOf(const pb::PlanObject& object) {
  if (!object.held().empty()) return absl::StrCat("held: ", SafeText(object.held()));
  if (object.what() == pb::PlanObject::WHAT_LEFT) return "leaves Git, stays in the cluster";
  if (object.what() == pb::PlanObject::WHAT_MOVED) {
    return absl::StrCat("to package ", SafeText(object.to()));
  }
  return "";
}

// "spec.replicas: 2 -> 3".
std::string FieldText(const pb::PlanField& field) {
  const std::string path = SafeText(field.path());
  if (field.hidden()) return absl::StrCat(path, ": (hidden)");
  if (field.before().empty() && field.after().empty()) return path;
  if (field.before().empty()) return absl::StrCat(path, ": added ", SafeText(field.after()));
  if (field.after().empty()) return absl::StrCat(path, ": removed ", SafeText(field.before()));
  return absl::StrCat(path, ": ", SafeText(field.before()), " -> ", SafeText(field.after()));
}

std::vector<std::string> FieldLines(const pb::PlanObject& object) {
  std::vector<std::string> lines;
  for (const pb::PlanField& field : object.fields()) lines.push_back(FieldText(field));
  const int more = object.fields_total() - object.fields_size();
  if (more > 0) lines.push_back(absl::StrCat("and ", more, " more"));
  return lines;
}

std::string RevisionText(const pb::FleetPlan& plan) {
  const pb::Commit& commit = plan.commit();
  if (commit.id().empty()) return SafeText(plan.revision());
  return absl::StrCat(
      ShortCommit(commit.id()),
      commit.subject().empty() ? "" : absl::StrCat(" \"", SafeText(commit.subject()), "\""));
}

std::string SummaryText(const pb::FleetPlan& plan) {
  if (plan.clusters_changed() == 0) {
    return absl::StrCat("nothing changes in ", Count(plan.clusters(), "cluster"));
  }
  std::string text =
      absl::StrCat(plan.clusters_changed(), " of ", Count(plan.clusters(), "cluster"),
                   plan.clusters_changed() == 1 ? " changes" : " change", ": ");
  pb::PlanGroup all;
  all.set_added(plan.added());
  all.set_changed(plan.changed());
  all.set_deleted(plan.deleted());
  all.set_left(plan.left());
  all.set_held(plan.held());
  return absl::StrCat(text, CountsText(all));
}

std::string BehindText(const pb::FleetPlan& plan) {
  return absl::StrCat("this revision does not descend from ", ShortCommit(plan.ruling_commit()),
                      ", which rules: what that one has and this one lacks shows up as a change "
                      "too; plan the merge of both instead");
}

bool IsBehind(const pb::FleetPlan& plan) {
  return !plan.commit().id().empty() && !plan.ruling_commit().empty() && !plan.descends();
}

// ---------------------------------------------------------------- Markdown

// Text between Markdown's own: nothing in it is obeyed.
std::string Escaped(absl::string_view text) {
  std::string out;
  for (const char c : SafeText(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '@':  // nobody is called by a commit's subject
        out += "@\u200b";
        break;
      default:
        if (absl::StrContains("\\`*_{}[]()#+!|~", c)) out += '\\';
        out += c;
    }
  }
  return out;
}

// A fence that no line of `text` closes.
std::string Fenced(const std::string& text) {
  size_t longest = 0, run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(std::max<size_t>(3, longest + 1), '`');
  return absl::StrCat(fence, "diff\n", text, fence, "\n");
}

std::string DiffLines(const pb::PlanGroup& group) {
  std::string text;
  for (const pb::PlanObject& object : group.objects()) {
    const Verb verb = VerbOf(object);
    // A diff's colours: red for what goes, green for what comes, and the sign of a change.
    const char sign = verb.sign == '-' || verb.sign == '+' ? verb.sign
                      : verb.sign == '~'                   ? '!'
                                                           : ' ';
    const std::string note = NoteOf(object);
    absl::StrAppend(&text, std::string(1, sign), " ", verb.word, " ", NameOf(object),
                    note.empty() ? "" : "  # ", note, "\n");
    for (const std::string& line : FieldLines(object)) absl::StrAppend(&text, "      ", line, "\n");
  }
  const int more = group.objects_total() - group.objects_size();
  if (more > 0) absl::StrAppend(&text, "  and ", Count(more, "more object"), "\n");
  return text;
}

std::string GroupMarkdown(const pb::PlanGroup& group) {
  const bool open = group.deleted() > 0 || !group.error().empty();
  std::string text =
      absl::StrCat(open ? "<details open>" : "<details>", "<summary><b>", Escaped(group.package()),
                   "</b>: ", Count(group.clusters_size(), "cluster"), ", ", CountsText(group),
                   "</summary>\n\n", "Clusters: ", Escaped(ClustersText(group, false)), "\n\n");
  for (const pb::PlanStop& stop : group.stops()) {
    absl::StrAppend(&text, "> **", Escaped(stop.rail()), "**: ", Escaped(stop.message()), "\n\n");
  }
  if (!group.error().empty()) {
    std::string error = SafeLines(group.error());
    if (error.empty() || error.back() != '\n') error += "\n";
    absl::StrAppend(&text, Fenced(error));
  } else {
    absl::StrAppend(&text, Fenced(DiffLines(group)));
  }
  return absl::StrCat(text, "\n</details>\n\n");
}

}  // namespace

std::string PlanText(const pb::FleetPlan& plan, const Style& style, bool wide) {
  std::string text =
      absl::StrCat("Plan of repository ", SafeText(plan.repository()), " at ", RevisionText(plan));
  if (!plan.ruling_commit().empty()) {
    absl::StrAppend(&text, ", now ", ShortCommit(plan.ruling_commit()));
  }
  absl::StrAppend(&text, ": ", SummaryText(plan), "\n");
  if (IsBehind(plan)) {
    absl::StrAppend(&text, style.Paint(Tone::kUnknown, "note"), ": ", BehindText(plan), "\n");
  }
  for (const pb::PlanGroup& group : plan.groups()) {
    absl::StrAppend(&text, "\n", SafeText(group.package()), ": ",
                    Count(group.clusters_size(), "cluster"), " (", ClustersText(group, wide),
                    "): ", CountsText(group), "\n");
    for (const pb::PlanStop& stop : group.stops()) {
      absl::StrAppend(&text, "  ", style.Mark(Tone::kBad, stop.rail()), ": ",
                      SafeText(stop.message()), "\n");
    }
    if (!group.error().empty()) absl::StrAppend(&text, "  ", SafeText(group.error()), "\n");
    for (const pb::PlanObject& object : group.objects()) {
      const Verb verb = VerbOf(object);
      const std::string note = NoteOf(object);
      absl::StrAppend(
          &text, "  ",
          style.Paint(verb.tone, absl::StrCat(std::string(1, verb.sign), " ", verb.word)), " ",
          NameOf(object), note.empty() ? "" : "  ", note, "\n");
      for (const std::string& line : FieldLines(object))
        absl::StrAppend(&text, "      ", line, "\n");
    }
    const int more = group.objects_total() - group.objects_size();
    if (more > 0) absl::StrAppend(&text, "  and ", Count(more, "more object"), "\n");
  }
  return text;
}

std::string PlanMarkdown(const pb::FleetPlan& plan) {
  std::string text =
      absl::StrCat("<!-- muster-plan ", Escaped(plan.repository()),
                   " -->\n### Muster plan: ", Escaped(plan.repository()), " at ",
                   Escaped(RevisionText(plan)), "\n\n**", Escaped(SummaryText(plan)), "**");
  if (!plan.ruling_commit().empty()) {
    absl::StrAppend(&text, ", compared with ", ShortCommit(plan.ruling_commit()));
  }
  absl::StrAppend(&text, ".\n\n");
  if (IsBehind(plan)) absl::StrAppend(&text, "> **Note**: ", Escaped(BehindText(plan)), "\n\n");
  int left_out = 0;
  for (const pb::PlanGroup& group : plan.groups()) {
    const std::string part = GroupMarkdown(group);
    if (left_out > 0 || text.size() + part.size() > kPlanMarkdownBytes) {
      ++left_out;
    } else {
      text += part;
    }
  }
  if (left_out > 0) {
    absl::StrAppend(&text, "And ", Count(left_out, "more group"),
                    " that would not fit here: run `muster plan --repository ",
                    Escaped(plan.repository()), "`.\n");
  }
  return text;
}

}  // namespace muster::cli

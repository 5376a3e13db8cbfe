#include "common/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace muster::log {
namespace {

spdlog::logger& Logger() {
  static spdlog::logger& logger = *[] {
    auto* made = new spdlog::logger("muster", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return logger;
}

std::string Quoted(absl::string_view value) {
  const std::string escaped = absl::Utf8SafeCEscape(value);
  if (!value.empty() && escaped == value && value.find_first_of(" =") == value.npos) return escaped;
  return absl::StrCat("\"", escaped, "\"");
}

void Write(spdlog::level::level_enum level, absl::string_view message,
           std::initializer_list<Field> fields) {
  if (!Logger().should_log(level)) return;
  std::string line = absl::Utf8SafeCEscape(message);
  for (const Field& field : fields)
    absl::StrAppend(&line, " ", field.key, "=", Quoted(field.value));
  Logger().log(level, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

void SetLevel(Level level) {
  switch (level) {
    case Level::kDebug:
      return Logger().set_level(spdlog::level::debug);
    case Level::kInfo:
      return Logger().set_level(spdlog::level::info);
    case Level::kWarning:
      return Logger().set_level(spdlog::level::warn);
    case Level::kError:
      return Logger().set_level(spdlog::level::err);
  }
}

bool ParseLevel(absl::string_view text, Level* level) {
  if (text == "debug") return *level = Level::kDebug, true;
  if (text == "info") return *level = Level::kInfo, true;
  if (text == "warning") return *level = Level::kWarning, true;
  if (text == "error") return *level = Level::kError, true;
  return false;
}

void Debug(absl::string_view message, std::initializer_list<Field> fields) {
  Write(spdlog::level::debug, message, fields);
}
void Info(absl::string_view message, std::initializer_list<Field> fields) {
  Write(spdlog::level::info, message, fields);
}
void Warning(absl::string_view message, std::initializer_list<Field> fields) {
  Write(spdlog::level::warn, message, fields);
}
void Error(absl::string_view message, std::initializer_list<Field> fields) {
  Write(spdlog::level::err, message, fields);
}

}  // namespace muster::log

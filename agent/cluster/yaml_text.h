// YamlText: an object as YAML for people: block style, long texts as literal blocks.
//
// Pure; any thread. Promises: reading it back with ParseYaml gives an equal value; where the style
// for people would not, the text is JSON, which is YAML too.
#pragma once

#include <string>

#include "common/manifest/value.h"

namespace muster::agent {

std::string YamlText(const Value& value);

}  // namespace muster::agent

#include "common/trust/join_words.h"

#include <array>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace muster {
namespace {

constexpr int kWordsShown = 6;

// Short, common and told apart by ear. Their order is part of the protocol: never change it.
constexpr std::array<absl::string_view, 256> kWords = {
    "acorn",  "actor",   "adobe",   "alarm",    "album",   "alley",    "amber",   "angle",
    "ankle",  "apple",   "apron",   "arena",    "arrow",   "atlas",    "attic",   "aunt",
    "autumn", "bacon",   "badge",   "baker",    "bamboo",  "banjo",    "barley",  "basil",
    "beach",  "beaver",  "bell",    "berry",    "bison",   "blanket",  "blossom", "boat",
    "bonus",  "bottle",  "brave",   "bread",    "brick",   "bridge",   "bronze",  "brush",
    "bucket", "butter",  "cabin",   "cactus",   "camel",   "candle",   "canoe",   "canyon",
    "carbon", "cargo",   "carpet",  "castle",   "cedar",   "cello",    "chalk",   "cherry",
    "chess",  "cider",   "cinema",  "circus",   "citrus",  "clay",     "cliff",   "clock",
    "cloud",  "clover",  "cobalt",  "coffee",   "comet",   "copper",   "coral",   "cotton",
    "cradle", "crane",   "cricket", "crystal",  "daisy",   "dancer",   "desert",  "diamond",
    "dinner", "dolphin", "donkey",  "dragon",   "drum",    "eagle",    "earth",   "echo",
    "elbow",  "ember",   "engine",  "falcon",   "feather", "fence",    "fiddle",  "finger",
    "flag",   "flame",   "flute",   "forest",   "fossil",  "fountain", "fox",     "galaxy",
    "garden", "garlic",  "ginger",  "giraffe",  "glacier", "glove",    "gold",    "granite",
    "grape",  "guitar",  "hammer",  "harbor",   "harvest", "hazel",    "helmet",  "heron",
    "hockey", "honey",   "hornet",  "hotel",    "iceberg", "igloo",    "indigo",  "island",
    "jacket", "jaguar",  "jasmine", "jungle",   "kayak",   "kettle",   "kitten",  "ladder",
    "lagoon", "lantern", "laurel",  "lemon",    "lentil",  "leopard",  "library", "lilac",
    "linen",  "lion",    "lizard",  "lobster",  "locket",  "lotus",    "lumber",  "magnet",
    "mango",  "maple",   "marble",  "market",   "meadow",  "melon",    "metal",   "meteor",
    "mirror", "mitten",  "monkey",  "mosaic",   "motor",   "muffin",   "museum",  "mustard",
    "napkin", "nectar",  "needle",  "nickel",   "noodle",  "nutmeg",   "oasis",   "ocean",
    "olive",  "onion",   "orange",  "orchid",   "otter",   "oyster",   "paddle",  "palace",
    "panda",  "paper",   "parrot",  "pasta",    "peach",   "pearl",    "pebble",  "pencil",
    "pepper", "piano",   "pigeon",  "pillow",   "pine",    "planet",   "plum",    "pocket",
    "poem",   "pollen",  "pony",    "poplar",   "potato",  "prairie",  "pumpkin", "puzzle",
    "quartz", "rabbit",  "radio",   "raven",    "ribbon",  "river",    "robin",   "rocket",
    "saddle", "saffron", "sailor",  "salmon",   "satin",   "scarf",    "shadow",  "shovel",
    "silver", "spider",  "spruce",  "statue",   "stone",   "summer",   "sunset",  "swan",
    "table",  "tango",   "temple",  "thunder",  "tiger",   "timber",   "tomato",  "trumpet",
    "tulip",  "tunnel",  "turtle",  "umbrella", "valley",  "vanilla",  "velvet",  "violet",
    "violin", "waffle",  "walnut",  "willow",   "window",  "winter",   "wolf",    "zebra"};

}  // namespace

std::string JoinWords(const Digest& spki, absl::string_view cluster_uid, absl::string_view hub_id) {
  const Digest digest = Digest::Of(
      absl::StrCat("muster-join-words-v1\n", spki.view(), "\n", hub_id, "\n", cluster_uid));
  std::array<absl::string_view, kWordsShown> words;
  for (int i = 0; i < kWordsShown; ++i) {
    words[i] = kWords[static_cast<uint8_t>(digest.view()[i])];
  }
  return absl::StrJoin(words, "-");
}

}  // namespace muster

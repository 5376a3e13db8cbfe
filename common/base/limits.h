// Every limit of hub and agent in one place. Exceeding one is an error with a name, never a slow
// machine. Where a figure comes from: docs/security.md.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace muster::limits {

// YAML and what is made of it.
inline constexpr size_t kYamlFileBytesMax = 8u << 20;
inline constexpr int kYamlDepthMax = 64;
inline constexpr int kYamlNodesMax = 200'000;               // a file, aliases expanded
inline constexpr size_t kYamlExpandedBytesMax = 32u << 20;  // text of a file, aliases expanded
inline constexpr int kYamlAliasesMax = 10'000;
inline constexpr int kYamlDocumentsMax = 10'000;
inline constexpr size_t kObjectBytesMax = 10u << 20;  // canonical JSON of one object
inline constexpr int kObjectsPerBundleMax = 20'000;
inline constexpr size_t kManifestBytesMax = 16u
                                            << 20;  // of that many objects with the longest keys

// JSON from outside; size and depth as for YAML.
inline constexpr int kJsonValuesMax = 1'000'000;

// Expressions over objects' fields (health rules).
inline constexpr size_t kExpressionBytesMax = 2'048;
inline constexpr int kExpressionDepthMax = 16;
inline constexpr int kExpressionOperatorsMax = 256;
inline constexpr int kExpressionStepsMax = 50'000;
inline constexpr int kHealthRulesMax = 50;  // of one package

// Rendering.
inline constexpr int kVariableDepthMax = 16;                // ${a:-${b:-...}}
inline constexpr size_t kVariableWorkBytesMax = 64u << 20;  // of values looked at, a document
inline constexpr size_t kVariableBytesMax = 64u << 10;      // one value
inline constexpr int kVariablesMax = 1'000;                 // of one package or target
inline constexpr int kPutOffMax = 10'000;                   // wrong expressions after a '#', a file
inline constexpr int kPatchesMax = 100;                     // of one target
inline constexpr int kPatchOperationsMax = 10'000;          // of one JSON patch
inline constexpr int kKustomizeDepthMax = 64;               // kustomizations within each other

inline constexpr size_t kKustomizeCacheBytes = 64u << 20;  // of files kept between kustomizations

// Helm, a program of its own for each chart.
inline constexpr absl::Duration kHelmTimeout = absl::Seconds(15);  // of one run; there are two
inline constexpr size_t kHelmBytesMax = 512u << 20;                // of memory
inline constexpr size_t kHelmOutputBytesMax = 32u << 20;
inline constexpr size_t kValuesFilesMax = 50;                // of one package or target
inline constexpr size_t kInlineValuesBytesMax = 256u << 10;  // of one package or target

// Git, in the fetch child.
inline constexpr size_t kPackBytesMax = 256u << 20;
inline constexpr size_t kBlobBytesMax = 10u << 20;
inline constexpr int kPathDepthMax = 32;
inline constexpr int kFilesPerPathMax = 10'000;
inline constexpr size_t kBytesPerPathMax = 50u << 20;
inline constexpr absl::Duration kFetchTimeout = absl::Seconds(60);
inline constexpr int kCommitsPerFetchMax = 1'000;  // recorded, newest first

// Signed things.
inline constexpr size_t kDesiredStateBytesMax = 64u << 10;
inline constexpr size_t kEnvelopeBytesMax = 96u << 10;
inline constexpr uint64_t kGenerationJumpMax = 1'000'000;
inline constexpr absl::Duration kDesiredStateLifetime = absl::Hours(24 * 30);
inline constexpr absl::Duration kDesiredStateRefresh = absl::Hours(24);  // re-issued at this age

// Messages on the wire.
inline constexpr size_t kMessageBytesMax = 1u << 20;
inline constexpr size_t kChunkBytesMax = 256u << 10;
inline constexpr int kBlobsPerFetchMax = 4'096;
inline constexpr absl::Duration kBlobFetchTimeout = absl::Minutes(2);  // then resumed
inline constexpr size_t kInlineBytesMax = 64u << 10;  // blobs pushed along with a desired state
inline constexpr int kPageRowsMax = 500;              // of one answer to a list
inline constexpr int kPageDetailRowsMax = 50;         // likewise, when details were asked for
inline constexpr size_t kHelloBytesMax = 4u << 10;
inline constexpr size_t kJoinMessageBytesMax = 64u << 10;
inline constexpr int kProblemObjectsPerPackageMax = 100;  // in one report; the counts are whole
inline constexpr int kProblemObjectsPerReportMax = 1'000;
inline constexpr int kFieldsPerProblemMax = 20;
inline constexpr size_t kReportDetailBytesMax = 256u << 10;  // of problems with every detail
inline constexpr size_t kUnmanagedObjectsMax = 100;  // named in one report; the count is whole

// Connections.
inline constexpr int kConnectionsPerAddressMax = 64;
inline constexpr int kStreamsPerConnectionMax = 16;
inline constexpr absl::Duration kHandshakeTimeout = absl::Seconds(5);
inline constexpr absl::Duration kHelloPatience = absl::Seconds(10);
inline constexpr int kAgentMessagesBurst = 1'000;  // of one stream
inline constexpr int kAgentMessagesPerSecond = 50;
inline constexpr size_t kBlobAccessDigestsMax = 1'000'000;  // remembered, of 32 bytes each
inline constexpr absl::Duration kHeartbeatInterval = absl::Seconds(30);
inline constexpr int kStaleAfterHeartbeats = 2;
inline constexpr int kOfflineAfterHeartbeats = 10;

// Enrolment.
inline constexpr absl::Duration kTokenLifetime = absl::Hours(1);
inline constexpr int kJoinsPerAddressBurst = 64;
inline constexpr int kJoinsPerAddressPerSecond = 16;
inline constexpr size_t kJoinAddressesMax = 10'000;  // remembered
inline constexpr size_t kJoinsWaitingMax = 4'096;    // for the hub's answer
inline constexpr int kJoinConnectionsMax = 4'096;
inline constexpr int kTokenFailuresMax = 10;                             // then the token is burned
inline constexpr absl::Duration kTokenRecordKept = absl::Hours(24 * 7);  // after it has expired
inline constexpr absl::Duration kCertificateLifetime = absl::Hours(24 * 30);
inline constexpr absl::Duration kCertificateRenewal = absl::Hours(24 * 10);  // renewed at this age
inline constexpr absl::Duration kServerCertificateLifetime =
    absl::Hours(24 * 400);  // made at start
inline constexpr absl::Duration kOperatorCertificateLifetime = absl::Hours(24 * 365);
inline constexpr absl::Duration kSignerCertificateLifetime = absl::Hours(24 * 365);
inline constexpr absl::Duration kRootLifetime = absl::Hours(24 * 365 * 10);

// Deletion budget, per package and cluster: max(floor, share of the inventory).
inline constexpr int kDeletionsFloor = 5;
inline constexpr int kDeletionsPercent = 10;

// Disk: below this much free space the hub takes no write that is not needed to survive, and the
// agent downloads nothing. Agents live on small disks too.
inline constexpr uint64_t kHubDiskReserveBytes = 512ull << 20;
inline constexpr uint64_t kAgentDiskReserveBytes = 64ull << 20;

// Memory of the hub's children.
inline constexpr size_t kJoinChildBytesMax = 128u << 20;
inline constexpr size_t kFetchChildBytesMax = 512u << 20;  // the render child's too

// Between the hub and its children.
inline constexpr size_t kChildMessageBytesMax = 128u << 20;
inline constexpr size_t kRenderAnswerBytes = 16u << 20;  // an answer is sent once it has this much
inline constexpr absl::Duration kRenderTimeout = absl::Seconds(60);  // for one answer

}  // namespace muster::limits

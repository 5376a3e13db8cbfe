// AnswerFetchChild: what the fetch and render children do with one request, over any GitSource.
//
// Blocks as long as the source does; looks at a clock to end a render answer early (see
// RenderResponse). One thread. Never throws and never fails: errors are in the response.
#pragma once

#include "common/render/helm/helm_door.h"
#include "hub/source/git_source.h"
#include "proto/child.pb.h"

namespace muster::hub {

// A render request for a commit that `source` does not hold is kFailedPrecondition as a whole: it
// has to be fetched first. What the commit's files get wrong is in the outputs.
// `helm` renders charts, and may be null.
v1::FetchChildResponse AnswerFetchChild(GitSource& source, const v1::FetchChildRequest& request,
                                        HelmDoor* helm);
v1::FetchChildResponse AnswerFetchChild(GitSource& source, const v1::FetchChildRequest& request);

}  // namespace muster::hub

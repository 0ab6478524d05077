#pragma once

#include "model/message.h"

namespace oncemq::broker {

// A stored message on its way into the log again, as itself: flags, birth, store host, reconsume
// count and body are the record's, views into it. Topic, queue, properties and tags_code are the
// caller's; what else he wants to differ he says.
model::Message copy_of(const model::RecordView& record);

// The same for a copy that is no part of a transaction, whatever the record was.
model::Message plain_copy_of(const model::RecordView& record);

}  // namespace oncemq::broker

#include "front/remoting/send_request.h"

namespace oncemq::front {

broker::SendRequest send_request(SendLane& lane, const wire::SendHeader& header,
                                 const wire::Command& command, const net::Connection& connection) {
  broker::SendRequest send{
      .default_topic = header.default_topic,
      .default_topic_queues = header.default_topic_queue_nums,
      .queue_id = header.queue_id,
      .sys_flag = header.sys_flag,
      .born_timestamp = header.born_timestamp,
      .flag = header.flag,
      .reconsume_times = header.reconsume_times,
      .unit_mode = header.unit_mode,
      .born_host = connection.peer(),
      .body = command.body,
  };
  if (command.version >= wire::version::kV3_4_9)
    send.max_reconsume_times = header.max_reconsume_times;
  // The frame stays until the end of the tick, but strings of a JSON header that carried escapes
  // lie in the command's scratch, which the next frame reuses: as good as always the properties,
  // whose separators are escaped, and hardly ever a name.
  const auto lasting = [&](std::string_view text) {
    return command.in_scratch(text) ? lane.keep(text) : text;
  };
  send.producer_group = lasting(header.producer_group);
  send.topic = lasting(header.topic);
  send.properties = lasting(header.properties);
  return send;
}

}  // namespace oncemq::front

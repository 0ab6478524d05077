#include "broker/record_copy.h"

namespace oncemq::broker {

model::Message copy_of(const model::RecordView& record) {
  model::Message message;
  message.flag = record.flag;
  message.sys_flag =
      record.sys_flag & ~(model::sysflag::kBornHostV6 | model::sysflag::kStoreHostV6);
  message.born_timestamp = record.born_timestamp;
  message.born_host = record.born_host;
  message.store_host = record.store_host;
  message.reconsume_times = record.reconsume_times;
  message.body = record.body;
  return message;
}

model::Message plain_copy_of(const model::RecordView& record) {
  model::Message message = copy_of(record);
  message.sys_flag &= ~model::sysflag::kTransactionMask;
  return message;
}

}  // namespace oncemq::broker

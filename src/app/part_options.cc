#include "app/part_options.h"

#include "base/address.h"
#include "model/delay_levels.h"
#include "net/address.h"
#include "os/process.h"

namespace oncemq::app {
namespace {

// The row was checked when it was set.
std::vector<std::int64_t> delay_levels(const model::Settings& settings) {
  return model::parse_delay_levels(settings.message_delay_level).value();
}

// As topics would say it themselves.
std::map<std::string, std::string> idempotence(const model::Settings& s) {
  if (s.idempotent_key.empty()) return {};
  return {{"idempotent.key", s.idempotent_key},
          {"idempotent.window", s.idempotent_window},
          {"idempotent.mode", s.idempotent_mode},
          {"idempotent.mismatch", s.idempotent_mismatch}};
}

}  // namespace

Roles roles_of(const model::Settings& settings) {
  return {.namesrv = settings.roles.find("namesrv") != std::string::npos,
          .broker = settings.roles.find("broker") != std::string::npos};
}

std::string shown_address(const model::Settings& settings) {
  if (!settings.broker_ip.empty()) return settings.broker_ip;
  if (settings.bind_address != "0.0.0.0" && settings.bind_address != "::")
    return settings.bind_address;
  const auto addresses = os::host_addresses();
  return addresses.empty() ? "127.0.0.1" : addresses.front();
}

store::StoreOptions store_options(const model::Settings& s) {
  return {
      .root = s.store_root,
      .policy = s.flush_disk_type == "SYNC_FLUSH" ? store::CommitPolicy::kDurable
                                                  : store::CommitPolicy::kFlushed,
      .log_file_size = static_cast<std::uint64_t>(s.log_file_size),
      .queue_file_size = static_cast<std::uint64_t>(s.queue_file_size),
      .index_slots = static_cast<std::uint32_t>(s.index_slots),
      .index_entries = static_cast<std::uint32_t>(s.index_entries),
      .index_enabled = s.index_enabled,
      .max_message_size = s.max_message_size,
      .append_property_crc = s.append_property_crc,
      .sync_flush_timeout_ms = s.sync_flush_timeout_ms,
      .flush_interval_ms = s.flush_interval_ms,
      .staging_bytes = static_cast<std::uint64_t>(s.staging_bytes),
      .delete_when = s.delete_when,
      .file_reserved_hours = s.file_reserved_hours,
      .disk_max_used_percent = s.disk_max_used_percent,
      .disk_force_clean_percent = s.disk_force_clean_percent,
      .disk_warning_percent = s.disk_warning_percent,
      .clean_forcibly = s.clean_forcibly,
      .free_space_floor = static_cast<std::uint64_t>(s.free_space_floor),
      .delay_levels_ms = delay_levels(s),
  };
}

Result<broker::Options> broker_options(const model::Settings& s, std::int32_t port) {
  const std::string ip = shown_address(s);
  const std::string text =
      (ip.find(':') != std::string::npos ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
  const auto address = Address::parse(text);
  if (!address) return fail(Errc::kInvalidArgument, "'brokerIP1': '" + ip + "' is not an address");
  return broker::Options{
      .cluster = s.cluster_name,
      .name = s.broker_name.empty() ? os::host_name() : s.broker_name,
      .id = s.broker_id,
      .address = *address,
      .region = s.region_id,
      .trace_on = s.trace_on,
      .config_dir = s.store_root + "/config",
      .delay_levels_ms = delay_levels(s),
      .own_dir = s.store_root + "/once",
      .log_file_bytes = s.log_file_size,
      .timer_wheel = s.timer_wheel,
      .timer_max_delay_ms = std::int64_t{s.timer_max_delay_s} * 1000,
      .timer_precision_ms = s.timer_precision_ms,
      .watch_sends = s.count_repeated_sends,
      .key_index = s.index_enabled,
      .default_topic_queues = s.default_topic_queues,
      .trace_topic = s.trace_topic,
      .cluster_topic = s.cluster_topic,
      .broker_topic = s.broker_topic,
      .channel_expiry_ms = s.channel_expired_ms,
      .queue_lock_ms = s.queue_lock_ms,
      .file_reserved_hours = s.file_reserved_hours,
      .offsets_interval_ms = s.offset_flush_interval_ms,
      .delay_offsets_interval_ms = s.delay_offset_flush_interval_ms,
      .parked_pulls_max = static_cast<std::size_t>(s.max_parked_pulls),
      .mode_pop = s.default_request_mode == "POP",
      .pop_share_queues = s.default_pop_share_queues,
      .idempotence = idempotence(s),
      .idempotent_keys_max = static_cast<std::uint64_t>(s.idempotent_keys_max),
      .allow_faults = s.allow_faults,
      .delivery_ledger_bytes = s.delivery_ledger_bytes,
  };
}

void fill_switches(const model::Settings& s, broker::Switches& switches) {
  switches.permission = s.broker_permission;
  switches.auto_create_topic = s.auto_create_topic;
  switches.auto_create_group = s.auto_create_group;
  switches.lite_pull = s.lite_pull;
  switches.property_filter = s.property_filter;
  switches.store_reply = s.store_reply;
  switches.long_polling = s.long_polling;
  switches.short_polling_ms = s.short_polling_ms;
  switches.notify_consumer_ids = s.notify_consumer_ids_changed;
  switches.register_producer = s.register_producer;
  switches.reject_transaction = s.reject_transaction_message;
  switches.recall = s.recall;
  switches.recall_unwritable = s.recall_unwritable;
  switches.transaction_timeout_ms = s.transaction_timeout_ms;
  switches.transaction_check_interval_ms = s.transaction_check_interval_ms;
  switches.transaction_check_max = s.transaction_check_max;
  switches.max_message_size = s.max_message_size;
  switches.start_accept_send_ms = s.start_accept_send_timestamp;
  switches.pull_batch_max = s.pull_batch_max_messages;
  switches.transfer_bytes_max = s.transfer_bytes_in_memory;
  switches.transfer_count_max = s.transfer_count_in_memory;
  switches.pop_rows_max = s.pop_inflight_threshold;
  switches.pop_retry_v1 = s.pop_retry_topic_v1;
  switches.pop_retry_v2 = s.pop_retry_topic_v2;
}

net::ServerOptions server_options(const model::Settings& s) {
  net::ServerOptions options{.loops = static_cast<unsigned>(s.event_loop_threads)};
  options.limits.connections = static_cast<std::size_t>(s.max_connections);
  options.limits.out_max = static_cast<std::size_t>(s.max_connection_bytes_in_flight);
  options.limits.total = static_cast<std::size_t>(s.max_bytes_in_flight);
  options.limits.idle_ms = std::int64_t{s.channel_idle_s} * 1000;
  return options;
}

}  // namespace oncemq::app

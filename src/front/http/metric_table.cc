#include "front/http/metric_table.h"

#include <array>

namespace oncemq::front {
namespace {

constexpr MetricType kCounter = MetricType::kCounter;
constexpr MetricType kGauge = MetricType::kGauge;
constexpr MetricType kHistogram = MetricType::kHistogram;

// In the order of Metric.
constexpr std::array<MetricRow, static_cast<std::size_t>(Metric::kCount)> kTable{{
    {"oncemq_build_info", kGauge, "version", "1; the version is in the label."},
    {"oncemq_start_time_seconds", kGauge, "", "When the broker was ready, since 1970."},
    {"oncemq_startup_seconds", kGauge, "", "From the start of the process until it was ready."},
    {"oncemq_cpu_seconds_total", kCounter, "", "CPU time of the process, user and system."},
    {"oncemq_resident_memory_bytes", kGauge, "",
     "Resident memory of the process, with mapped log files that are in memory."},
    {"oncemq_memory_bytes", kGauge, "owner",
     "Memory by owner: private (all of the process that is not a mapped file), and of that what is "
     "said below."},

    {"oncemq_connections", kGauge, "", "Open connections of clients."},
    {"oncemq_connections_accepted_total", kCounter, "", "Connections accepted."},
    {"oncemq_connections_refused_total", kCounter, "",
     "Connections closed at once: over maxConnections, or out of descriptors."},
    {"oncemq_received_bytes_total", kCounter, "", "Bytes read from clients."},
    {"oncemq_sent_bytes_total", kCounter, "", "Bytes written to clients."},
    {"oncemq_loop_ticks_total", kCounter, "loop", "Ticks of an event loop."},
    {"oncemq_http_connections", kGauge, "", "Open connections of this HTTP port."},
    {"oncemq_http_answers_total", kCounter, "status", "HTTP answers by status."},
    {"oncemq_scrape_seconds", kGauge, "", "What the scrape before this one took."},

    {"oncemq_requests_total", kCounter, "request lane", "Requests by name and lane."},
    {"oncemq_request_answers_total", kCounter, "request answer",
     "Answers other than SUCCESS, by request and answer. A pull that found nothing is one of "
     "them."},
    {"oncemq_bad_frames_total", kCounter, "",
     "Frames that were no request; each ended its connection."},
    {"oncemq_send_appended_seconds", kHistogram, "",
     "Sends: from reading the request until its message has an offset in the log buffer."},
    {"oncemq_send_committed_seconds", kHistogram, "",
     "Sends: from reading the request until what its answer promises is true: with the kernel "
     "(ASYNC_FLUSH) or on disk (SYNC_FLUSH)."},
    {"oncemq_send_answered_seconds", kHistogram, "",
     "Sends: from reading the request until its answer was handed to the socket's output."},
    {"oncemq_sends_failed_total", kCounter, "", "Sends that the store refused."},
    {"oncemq_parked_pulls", kGauge, "", "Pulls that wait for a message."},

    {"oncemq_topics", kGauge, "", "Topics, system topics too."},
    {"oncemq_groups", kGauge, "", "Consumer groups that the broker knows."},
    {"oncemq_groups_online", kGauge, "", "Consumer groups with a connected consumer."},
    {"oncemq_topic_messages_in_total", kCounter, "topic", "Messages stored, by topic."},
    {"oncemq_topic_in_bytes_total", kCounter, "topic", "Bytes of records stored, by topic."},
    {"oncemq_topic_messages_out_total", kCounter, "topic",
     "Messages given to consumers, by topic."},
    {"oncemq_topic_out_bytes_total", kCounter, "topic", "Bytes given to consumers, by topic."},
    {"oncemq_group_messages_out_total", kCounter, "topic group",
     "Messages given to a group, by topic."},
    {"oncemq_group_out_bytes_total", kCounter, "topic group", "Bytes given to a group, by topic."},
    {"oncemq_group_lag_messages", kGauge, "topic group",
     "Messages stored and not yet consumed by the group. 'other': the sum of the rest."},
    {"oncemq_group_lag_seconds", kGauge, "topic group",
     "Age of the oldest message that the group has not consumed, 0 when there is none."},
    {"oncemq_group_in_flight_messages", kGauge, "topic group",
     "Of these: given to a consumer, neither consumed nor given back. POP: held by a consumer, or "
     "about to be given again."},
    {"oncemq_group_filter_over_total", kCounter, "group",
     "Evaluations of the group's SQL92 expressions that their bound of work was not enough for; "
     "the messages were not given to it."},
    {"oncemq_group_dlq_messages", kGauge, "group",
     "Messages in the group's dead-letter queue that were neither replayed nor purged. Missing "
     "for a moment after a start, until the marks of dead letters are read."},
    {"oncemq_dead_letters_total", kCounter, "", "Messages put into dead-letter queues."},
    {"oncemq_redeliveries_total", kCounter, "cause",
     "Messages given to a group again, by cause; a lower bound for what follows a restart."},
    {"oncemq_group_redeliveries_total", kCounter, "group cause",
     "The same by group and cause, counts above 0."},

    {"oncemq_transactions_open", kGauge, "", "Half messages without a verdict."},
    {"oncemq_transaction_oldest_seconds", kGauge, "",
     "Age of the oldest of them, 0 when there is none."},
    {"oncemq_transaction_checks_total", kCounter, "",
     "Questions to producers what became of their transactions."},
    {"oncemq_transaction_checks_unanswered", kGauge, "",
     "Questions that nobody has answered yet, and that are not yet asked again."},
    {"oncemq_transactions_discarded_total", kCounter, "",
     "Half messages that nobody is asked about any more: checked too often, or too old."},
    {"oncemq_atomic_commits_total", kCounter, "result",
     "Transactions over acks and messages: committed, repeated (the answer was lost), fenced "
     "(somebody else has the work), refused (for another reason), healed (a start stored what a "
     "crash had cut off)."},
    {"oncemq_idempotent_repeats_total", kCounter, "what",
     "Sends to idempotent topics that are not simply new: left_out (duplicates), shadowed "
     "(duplicates, stored in shadow mode), other_body (stored), refused (other body), undecided "
     "(told to try again), without_key (stored)."},
    {"oncemq_idempotent_keys", kGauge, "", "Keys that are remembered."},
    {"oncemq_idempotent_keys_evicted_total", kCounter, "",
     "Keys that were given up before their window was over (idempotentKeysMax), since the start. "
     "Alarm: what they stand for may be stored twice."},
    {"oncemq_idempotent_keys_lost_total", kCounter, "",
     "Keys of files that could not be read at the start; read from the log as far as it reaches."},
    {"oncemq_idempotent_file_bytes", kGauge, "", "Files of remembered keys."},
    {"oncemq_faults_total", kCounter, "kind",
     "How often faults struck that were ordered (oncemq fault); only with allowFaults."},
    {"oncemq_timers_waiting", kGauge, "", "Messages that wait for their point in time."},
    {"oncemq_timers_unread", kGauge, "",
     "Messages for a point in time that are stored and not yet taken up."},
    {"oncemq_timer_lag_seconds", kGauge, "",
     "How late the next of them is, 0 when none is overdue."},

    {"oncemq_store_writable", kGauge, "",
     "1 while the store takes messages, 0 while it refuses them (/readyz says why)."},
    {"oncemq_log_end_bytes", kGauge, "mark",
     "Ends of the log: appended (in the buffer), flushed (with the kernel), durable (on disk), "
     "committed (visible)."},
    {"oncemq_log_start_bytes", kGauge, "", "Offset of the oldest record."},
    {"oncemq_log_files", kGauge, "", "Files of the log."},
    {"oncemq_dispatch_lag_bytes", kGauge, "",
     "Committed bytes of the log that are not yet in queue files and index."},
    {"oncemq_oldest_message_seconds", kGauge, "", "Store time of the oldest record, since 1970."},
    {"oncemq_disk_used_ratio", kGauge, "part",
     "How full the partition of log and queues is, 0..1."},
    {"oncemq_sync_seconds", kHistogram, "", "Calls of fdatasync on the log."},
    {"oncemq_damaged_places_total", kCounter, "",
     "Places of the log that could not be served because their bytes are damaged, each once."},
    {"oncemq_damaged_reads_total", kCounter, "", "Reads that met such a place."},
}};

}  // namespace

std::span<const MetricRow> metric_table() {
  return kTable;
}

std::string metrics_markdown() {
  std::string out =
      "# Metrics\n"
      "\n"
      "Printed by `oncemq docs metrics` from the table that makes the page; a test compares the "
      "two.\n"
      "`GET /metrics` on `httpListenPort` gives Prometheus text 0.0.4, or OpenMetrics 1.0.0 when "
      "the\n"
      "`Accept` field asks for `application/openmetrics-text`. Buckets of histograms double from 1 "
      "\xc2\xb5s to 16.8 s.\n"
      "\n"
      "Series by topic or group are bounded by `metricsTopicsMax`: the busiest have their own, "
      "the\n"
      "others are counted as `other`; which they are may change from scrape to scrape, and no "
      "count\n"
      "is lost by that. A name that becomes busy again begins at 0.\n"
      "\n"
      "| metric | type | labels | meaning |\n"
      "| --- | --- | --- | --- |\n";
  for (const MetricRow& row : kTable) {
    out.append("| `").append(row.name).append("` | ").append(metric_type_name(row.type));
    out.append(" | ").append(row.labels).append(" | ").append(row.help).append(" |\n");
  }
  out +=
      "\n"
      "## Memory by owner\n"
      "\n"
      "`oncemq_memory_bytes{owner=\"private\"}` is measured. The other owners reckon from what "
      "they "
      "count anyhow\n"
      "and the sizes of their objects on the heap; names are taken for 16 to 39 characters long. A "
      "scrape takes\n"
      "no lock of a sender, and the locks of the others for a few additions.\n"
      "\n"
      "| owner | what it is |\n"
      "| --- | --- |\n"
      "| connections, http | connections of clients and of this port, with unread and unsent bytes "
      "|\n"
      "| staging | appended, not yet with the kernel |\n"
      "| key_index | touched slots of the key index file that grows (4 × `maxHashSlotNum` at "
      "most), "
      "keys not yet with the kernel |\n"
      "| queues | consume queues, with entries that are not in their files yet |\n"
      "| offsets | offsets of groups |\n"
      "| deliveries | positions that pulls were given (`once-deliveries.json`) |\n"
      "| clients | clients by group, with subscriptions |\n"
      "| pop | popped queues, messages in flight, acks that may be repeated |\n"
      "| dead_letters | marks of dead letters |\n"
      "| parked_pulls, parked_pops | requests that wait |\n"
      "| timers, transactions | what of their state is in memory |\n"
      "| idempotency | remembered keys: the recent ones, the filter and the heads of the files |\n"
      "| sql_filters | compiled expressions in use |\n"
      "| topics, groups | their tables; deleted names keep their place |\n"
      "\n"
      "`oncemq_resident_memory_bytes` has the mapped log files in addition, which the kernel takes "
      "back when it\n"
      "needs the memory.\n"
      "\n"
      "Measured in one run: an idle broker has 1.2 MB private, of which the owners above name 18 "
      "KB; "
      "the rest\n"
      "is threads, settings, tables of the program and what the allocator keeps. With 3,000 "
      "messages, "
      "and up to 64\n"
      "of them in flight to each of 100 popping groups, it has 3.9 MB private and the owners name "
      "2.0 "
      "MB: of\n"
      "the 2.7 MB that came in between they explain three quarters. The others are statistics by "
      "topic and\n"
      "group, buffers for answers and the allocator's rounding.\n"
      "\n"
      "## What to be woken for\n"
      "\n"
      "| alarm | expression |\n"
      "| --- | --- |\n"
      "| new dead letters of a group | `delta(oncemq_group_dlq_messages[15m]) > 0` |\n"
      "| a transaction is open for an hour | `oncemq_transaction_oldest_seconds > 3600` |\n"
      "| sends are refused | `oncemq_store_writable == 0` |\n"
      "| a group is more than five minutes behind | `oncemq_group_lag_seconds > 300` |\n"
      "| the disk fills | `oncemq_disk_used_ratio > 0.85` |\n"
      "| the log is damaged | `oncemq_damaged_places_total > 0` |\n"
      "| syncs are slow | `histogram_quantile(0.99, rate(oncemq_sync_seconds_bucket[5m])) > 0.5` "
      "|\n"
      "| messages are withheld from a group because its expression costs too much | "
      "`increase(oncemq_group_filter_over_total[15m]) > 0` |\n"
      "| much is delivered again | `rate(oncemq_redeliveries_total[5m]) > 1` |\n";
  return out;
}

}  // namespace oncemq::front

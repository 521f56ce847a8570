/* The board's link side: orders and requests from the host; see takt/board.h. Telemetry is in telemetry.c. */
#include "board_link.h"

#include <string.h> /* memset */

#include "takt/text.h"
#include "takt_contract.h"
#include "takt_messages.h"

#define NS_PER_S 1000000000

const takt_board_status_t *takt_board_status(const takt_board_t *board)
{
    return &board->status[board->status_exchange.reading];
}

/* ---- samples
 * ------------------------------------------------------------------------------------------------ */

/* Counts on from 2^32 - 1 to 1: 0 means none. */
static uint32_t next_number(uint32_t number)
{
    const uint64_t next = (uint64_t)number + 1u;
    return (uint32_t)(next + (next >> 32));
}

static void take_command(takt_board_t *board, takt_cdr_t *cdr, uint64_t now_ns)
{
    takt_geometry_msgs_TwistStamped_t message;
    if (!takt_read_geometry_msgs_TwistStamped(cdr, &message)) {
        return;
    }
    takt_command_t *command = &board->next_orders.command;
    command->sequence = next_number(command->sequence);
    command->received_ns = now_ns;
    command->stamp_ns = (int64_t)message.header.stamp.sec * NS_PER_S + (int64_t)message.header.stamp.nanosec;
    command->speed_m_s = (float)message.twist.linear.x;
    command->yaw_rate_rad_s = (float)message.twist.angular.z;
}

static void take_ledger_ack(takt_board_t *board, takt_cdr_t *cdr)
{
    takt_std_msgs_UInt64_t message;
    if (!takt_read_std_msgs_UInt64(cdr, &message)) {
        return;
    }
    const uint32_t released = takt_ledger_confirm(&board->ledger, message.data);
    takt_telemetry_t *telemetry = &board->telemetry;
    telemetry->miss_cursor = telemetry->miss_cursor > released ? telemetry->miss_cursor - released : 0u;
}

static void on_sample(void *context, unsigned topic, const uint8_t *bytes, size_t size, uint64_t now_ns)
{
    takt_board_t *board = context;
    takt_cdr_t cdr;
    takt_cdr_reader(&cdr, bytes, size);
    if (topic == TAKT_TOPIC_CMD_VEL) {
        take_command(board, &cdr, now_ns);
    } else { /* the client hands over topics that the board reads, and there is no third */
        take_ledger_ack(board, &cdr);
    }
}

/* ---- requests
 * ----------------------------------------------------------------------------------------------- */

/* The answer is given here, from what the control thread said last; the deed is done by the control thread,
 * which judges again. In the rare case that they disagree, /diagnostics tells the truth a moment later. */

static void order(takt_board_t *board, takt_request_t request)
{
    board->request_count = next_number(board->request_count);
    board->next_orders.requests.newest[request] = board->request_count;
}

static bool answer_arm(takt_board_t *board, takt_text_t *text)
{
    const takt_board_status_t *status = takt_board_status(board);
    const takt_cause_t refusal = takt_safety_arm_refusal(&status->safety, status->outputs.conditions);
    if (status->safety.armed) {
        takt_text_word(text, "armed");
    } else if (refusal == TAKT_CAUSE_NONE) {
        takt_text_word(text, "arming");
    } else {
        takt_text_word(text, "refused: ");
        takt_text_word(text, takt_cause_name(refusal));
        takt_text_word(text, status->safety.fault != TAKT_CAUSE_NONE ? "; clear_fault comes first" : "");
        return false;
    }
    order(board, TAKT_REQUEST_ARM);
    return true;
}

static size_t serve_arm(takt_board_t *board, takt_cdr_t *request, uint8_t *reply, size_t capacity)
{
    takt_std_srvs_SetBool_Request_t wish;
    if (!takt_read_std_srvs_SetBool_Request(request, &wish)) {
        return 0;
    }
    char words[80];
    takt_text_t text;
    takt_text_init(&text, words, sizeof words);
    bool success = true;
    if (wish.data) {
        success = answer_arm(board, &text);
    } else {
        order(board, TAKT_REQUEST_DISARM);
        takt_text_word(&text, "disarmed");
    }
    takt_cdr_t cdr;
    takt_cdr_writer(&cdr, reply, capacity);
    const takt_std_srvs_SetBool_Response_t response = {success, takt_string(words)};
    (void)takt_write_std_srvs_SetBool_Response(&cdr, &response);
    return takt_cdr_written(&cdr);
}

static size_t serve_clear_fault(takt_board_t *board, uint8_t *reply, size_t capacity)
{
    const takt_board_status_t *status = takt_board_status(board);
    const takt_cause_t refusal = takt_safety_clear_refusal(&status->safety, status->outputs.conditions);
    char words[80];
    takt_text_t text;
    takt_text_init(&text, words, sizeof words);
    if (refusal == TAKT_CAUSE_NONE) {
        order(board, TAKT_REQUEST_CLEAR_FAULT);
        takt_text_word(&text, status->safety.fault == TAKT_CAUSE_NONE ? "no fault" : "cleared; disarmed");
    } else {
        takt_text_word(&text, "refused: still present: ");
        takt_text_word(&text, takt_cause_name(refusal));
    }
    takt_cdr_t cdr;
    takt_cdr_writer(&cdr, reply, capacity);
    const takt_std_srvs_Trigger_Response_t response = {refusal == TAKT_CAUSE_NONE, takt_string(words)};
    (void)takt_write_std_srvs_Trigger_Response(&cdr, &response);
    return takt_cdr_written(&cdr);
}

static size_t on_request(void *context, unsigned service, const uint8_t *bytes, size_t size, uint8_t *reply,
                         size_t capacity, uint64_t now_ns)
{
    (void)now_ns;
    takt_board_t *board = context;
    takt_cdr_t request;
    takt_cdr_reader(&request, bytes, size);
    if (service == TAKT_SERVICE_ARM) {
        return serve_arm(board, &request, reply, capacity);
    }
    if (service == TAKT_SERVICE_CLEAR_FAULT) {
        return serve_clear_fault(board, reply, capacity);
    }
    const takt_board_status_t *status = takt_board_status(board);
    const takt_motion_t motion = takt_tuning_motion(status->safety.armed, &status->outputs);
    return takt_parameters_serve(&board->parameters, service, bytes, size, motion, reply, capacity);
}

static void reply_part(void *context, unsigned service, size_t from, uint8_t *bytes, size_t count)
{
    const takt_board_t *board = context;
    takt_parameters_reply_part(&board->parameters, service, from, bytes, count);
}

/* ---- the poll
 * ----------------------------------------------------------------------------------------------- */

static size_t write_line(void *context, const uint8_t *bytes, size_t count)
{
    const takt_board_t *board = context;
    return board->platform->link_write(board->platform->context, bytes, count);
}

void takt_board_link_init(takt_board_t *board, const takt_board_config_t *config)
{
    const takt_client_config_t client = {
        .context = board,
        .write = write_line,
        .on_sample = on_sample,
        .on_request = on_request,
        .reply_part = reply_part,
        .late_services = takt_parameter_services,
        .late_service_count = TAKT_PARAMETER_SERVICE_COUNT,
        .assembly = board->parameters.request,
        .assembly_bytes = sizeof board->parameters.request,
        .key = config->client_key,
        .domain = config->domain,
        .contract_property = TAKT_CONTRACT_HASH,
        .node_name = "base",
    };
    takt_parameters_init(&board->parameters);
    takt_client_init(&board->client, &client, board->platform->now_ns(board->platform->context));
}

static void receive(takt_board_t *board, uint64_t now_ns)
{
    uint8_t bytes[256];
    for (unsigned portion = 0; portion < 16u;
         portion++) { /* a flooded line must not hold the thread for ever */
        const size_t count = board->platform->link_read(board->platform->context, bytes, sizeof bytes);
        if (count == 0) {
            return;
        }
        takt_client_receive(&board->client, bytes, count, now_ns);
    }
}

static void hand_orders_over(takt_board_t *board)
{
    takt_orders_t *orders = &board->next_orders;
    const takt_client_stats_t *stats = takt_client_stats(&board->client);
    orders->clock = *takt_client_clock(&board->client);
    orders->agent_heard_ns = stats->last_rx_ns;
    orders->agent_heard = stats->rx > 0;
    takt_parameters_hand_over(&board->parameters, &orders->tuning);
    board->orders[board->orders_exchange.writing] = *orders;
    takt_exchange_publish(&board->orders_exchange);
}

void takt_board_link_poll(takt_board_t *board)
{
    const uint64_t now_ns = board->platform->now_ns(board->platform->context);
    takt_exchange_take(&board->status_exchange);
    receive(board, now_ns);
    hand_orders_over(board);
    takt_telemetry_publish(board, now_ns);
    takt_client_run(&board->client, now_ns);
}

/* The hardware edge with PWM outputs and STM32 quadrature decoders; see edge.h. */
#include "edge.h"

#include <errno.h>

#include <stm32_ll_tim.h>
#include <zephyr/device.h>
#include <zephyr/devicetree.h>
#include <zephyr/drivers/pwm.h>
#include <zephyr/kernel.h>

#include "motor_pwm.h"
#include "stop_inputs.h"

#define WHEELS        DT_COMPAT_GET_ANY_STATUS_OKAY(takt_wheels)
#define ENCODER(side) DT_PHANDLE(WHEELS, encoder_##side)
#define TIMER(side)   ((TIM_TypeDef *)DT_REG_ADDR(DT_PARENT(ENCODER(side))))

static const struct {
    struct pwm_dt_spec forward;
    struct pwm_dt_spec reverse;
    const struct device *encoder;
    TIM_TypeDef *timer;
} wheels[TAKT_WHEELS] = {
    [TAKT_LEFT] = {.forward = PWM_DT_SPEC_GET_BY_NAME(WHEELS, left_forward),
                   .reverse = PWM_DT_SPEC_GET_BY_NAME(WHEELS, left_reverse),
                   .encoder = DEVICE_DT_GET(ENCODER(left)),
                   .timer = TIMER(left)},
    [TAKT_RIGHT] = {.forward = PWM_DT_SPEC_GET_BY_NAME(WHEELS, right_forward),
                    .reverse = PWM_DT_SPEC_GET_BY_NAME(WHEELS, right_reverse),
                    .encoder = DEVICE_DT_GET(ENCODER(right)),
                    .timer = TIMER(right)},
};

static takt_encoder_sample_t newest;

/* The driver has set clock, pins and filter. It counts one edge of four and answers in whole degrees, which
 * is too coarse for a speed: here every edge counts, over the counter's full width, and the counter itself is
 * read. */
static void count_every_edge(TIM_TypeDef *timer)
{
    LL_TIM_DisableCounter(timer);
    LL_TIM_SetEncoderMode(timer, LL_TIM_ENCODERMODE_X4_TI12);
    LL_TIM_SetAutoReload(timer, IS_TIM_32B_COUNTER_INSTANCE(timer) ? UINT32_MAX : UINT16_MAX);
    LL_TIM_SetCounter(timer, 0);
    LL_TIM_EnableCounter(timer);
}

static int set_wheel(unsigned wheel, float duty, bool enabled)
{
    const takt_motor_pulses_t pulses = takt_motor_pulses(duty, enabled, wheels[wheel].forward.period);
    const int forward = pwm_set_pulse_dt(&wheels[wheel].forward, pulses.forward_ns);
    const int reverse = pwm_set_pulse_dt(&wheels[wheel].reverse, pulses.reverse_ns);
    return forward != 0 ? forward : reverse;
}

int takt_edge_open(void)
{
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        if (!device_is_ready(wheels[wheel].forward.dev) || !device_is_ready(wheels[wheel].encoder)) {
            return -ENODEV;
        }
        const int status = set_wheel(wheel, 0.0f, false);
        if (status != 0) {
            return status;
        }
        count_every_edge(wheels[wheel].timer);
    }
    return takt_stop_inputs_open();
}

void takt_edge_read(uint64_t now_ns, takt_encoder_sample_t *sample)
{
    newest.present = true;
    newest.sequence++;
    newest.sample_ns = now_ns;
    newest.received_ns = now_ns;
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        TIM_TypeDef *const timer = wheels[wheel].timer;
        newest.counts[wheel] = (int32_t)takt_count_on(
            (uint32_t)newest.counts[wheel], LL_TIM_GetCounter(timer), IS_TIM_32B_COUNTER_INSTANCE(timer));
    }
    newest.e_stop = takt_stop_inputs_e_stop();
    newest.motor_fault = takt_stop_inputs_motor_fault();
    *sample = newest;
}

/* A PWM that refuses is a motor that does not do what it is told: reported with the next sample as a motor
 * fault. */
void takt_edge_drive(const takt_drive_t *drive)
{
    bool refused = false;
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        refused = set_wheel(wheel, drive->duty[wheel], drive->driver_enabled) != 0 || refused;
    }
    takt_stop_inputs_note_refusal(refused);
}

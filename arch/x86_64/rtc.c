/* SPDX-License-Identifier: MIT */
/*
 * The battery-backed clock of the PC, in the CMOS memory behind ports 0x70 and 0x71.
 *
 * While it counts a second on, its registers are in disorder and bit 7 of register A says so. A
 * reading is good when it was taken without that bit, and a second one agrees. Registers hold
 * binary or decimal digits, 12 or 24 hours, as register B says. A machine without the clock reads
 * as ones.
 */

#include "arch/x86_64/rtc.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/io.h"
#include "lib/string.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71
#define REGISTER_A 0x0a
#define REGISTER_B 0x0b
#define UPDATING   0x80
#define BINARY	   0x04
#define HOURS_24   0x02
#define PM	   0x80
#define MAX_TRIES  10000

struct rtc_reading {
	u8 second, minute, hour, day, month, year, century;
};

static u8 cmos_read(u8 index)
{
	outb(index, CMOS_INDEX);
	return inb(CMOS_DATA);
}

static bool rtc_read_once(struct rtc_reading *r)
{
	unsigned int tries = MAX_TRIES;

	while ((cmos_read(REGISTER_A) & UPDATING) && --tries)
		;
	*r = (struct rtc_reading){
		.second = cmos_read(0),
		.minute = cmos_read(2),
		.hour = cmos_read(4),
		.day = cmos_read(7),
		.month = cmos_read(8),
		.year = cmos_read(9),
		.century = acpi_info.century ? cmos_read(acpi_info.century) : 0,
	};
	return tries != 0;
}

static u8 from_bcd(u8 value)
{
	return (u8)((value >> 4) * 10 + (value & 15));
}

static void decode(struct rtc_reading *r)
{
	u8 mode = cmos_read(REGISTER_B);
	bool pm = r->hour & PM;

	r->hour &= 0x7f;
	if (!(mode & BINARY)) {
		r->second = from_bcd(r->second);
		r->minute = from_bcd(r->minute);
		r->hour = from_bcd(r->hour);
		r->day = from_bcd(r->day);
		r->month = from_bcd(r->month);
		r->year = from_bcd(r->year);
		r->century = from_bcd(r->century);
	}
	if (!(mode & HOURS_24))
		r->hour = (u8)(r->hour % 12 + (pm ? 12 : 0));
}

/* Days since 1970-01-01 of a Gregorian date: years begin in March, so the leap day comes last. */
static u64 days_since_epoch(u64 year, u64 month, u64 day)
{
	if (month <= 2) {
		year--;
		month += 12;
	}
	return 365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day -
	       1 - 719468;
}

u64 rtc_read_seconds(void)
{
	struct rtc_reading r, again;
	unsigned int tries;
	u64 year;

	for (tries = 0; tries < 3; tries++) {
		if (!rtc_read_once(&r) || !rtc_read_once(&again))
			return 0;
		if (!memcmp(&r, &again, sizeof(r)))
			break;
	}
	decode(&r);
	if (r.second > 60 || r.minute > 59 || r.hour > 23 || r.day < 1 || r.day > 31 ||
	    r.month < 1 || r.month > 12 || r.year > 99)
		return 0;
	year = r.year + (r.century >= 19 && r.century <= 29 ? r.century * 100U
							    : (r.year < 70 ? 2000U : 1900U));
	return ((days_since_epoch(year, r.month, r.day) * 24 + r.hour) * 60 + r.minute) * 60 +
	       r.second;
}

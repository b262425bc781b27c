// strftime() of Python's datetime in local time and the C locale.
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** `-` between % and the letter drops leading zeros, as in glibc. */
export function formatTime(time: Date, format: string): string {
  return format.replace(/%(-?)([a-zA-Z%])/g, (whole, dash: string, letter: string) => {
    const text = field(time, letter);
    if (text === null) return whole;
    return dash === '' ? text : text.replace(/^0+(?=\d)/, '');
  });
}

function field(time: Date, letter: string): string | null {
  const day = DAYS[time.getDay()] ?? '';
  const month = MONTHS[time.getMonth()] ?? '';
  switch (letter) {
    case 'a':
      return day.slice(0, 3);
    case 'A':
      return day;
    case 'b':
    case 'h':
      return month.slice(0, 3);
    case 'B':
      return month;
    case 'd':
      return pad(time.getDate());
    case 'e':
      return String(time.getDate()).padStart(2);
    case 'm':
      return pad(time.getMonth() + 1);
    case 'y':
      return pad(time.getFullYear() % 100);
    case 'Y':
      return String(time.getFullYear());
    case 'H':
      return pad(time.getHours());
    case 'I':
      return pad(time.getHours() % 12 || 12);
    case 'M':
      return pad(time.getMinutes());
    case 'S':
      return pad(time.getSeconds());
    case 'f':
      return String(time.getMilliseconds() * 1000).padStart(6, '0');
    case 'p':
      return time.getHours() < 12 ? 'AM' : 'PM';
    case 'j':
      return pad(dayOfYear(time), 3);
    case 'u':
      return String(time.getDay() || 7);
    case 'w':
      return String(time.getDay());
    case 'Z':
    case 'z':
      return '';
    case 'F':
      return formatTime(time, '%Y-%m-%d');
    case 'T':
    case 'X':
      return formatTime(time, '%H:%M:%S');
    case 'R':
      return formatTime(time, '%H:%M');
    case 'D':
    case 'x':
      return formatTime(time, '%m/%d/%y');
    case 'c':
      return formatTime(time, '%a %b %e %H:%M:%S %Y');
    case '%':
      return '%';
    default:
      return null;
  }
}

function dayOfYear(time: Date): number {
  const start = Date.UTC(time.getFullYear(), 0, 0);
  const today = Date.UTC(time.getFullYear(), time.getMonth(), time.getDate());
  return Math.round((today - start) / 86_400_000);
}

function pad(value: number, width = 2): string {
  return String(value).padStart(width, '0');
}

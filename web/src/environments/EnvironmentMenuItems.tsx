import { Menu } from '@mantine/core';
import {
  clockTime,
  type Environment,
  environmentActionProblem,
  idleNotice,
  keepRunningChoices,
  stopWord,
} from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { IconClockPause, IconClockPlay, IconMoon, IconPlayerPause } from '@tabler/icons-react';
import { useNow } from '../ui/clock.ts';
import { ReasonedMenuItem } from '../ui/ReasonedMenuItem.tsx';
import type { EnvironmentCommand } from './actions.ts';
import { computeOfferQuery } from './queries.ts';

interface EnvironmentMenuItemsProps {
  environment: Environment;
  onCommand: (command: EnvironmentCommand, until?: string | null) => void;
}

/** Sleep, pause, and how long it is to be kept running: rendered while the menu is open, so that times are of now. */
export function EnvironmentMenuItems({ environment, onCommand }: EnvironmentMenuItemsProps) {
  const { status, pausesWhenIdle, keepRunningUntil, busyReasons } = environment;
  const offer = useQuery(computeOfferQuery);
  const now = useNow(1000);
  const cannotSleep = offer.data?.canSleep === false ? 'This machine cannot freeze processes.' : undefined;
  const stopProblem = environmentActionProblem(status, 'stop');
  const keepProblem = environmentActionProblem(status, 'keepRunning');
  const isKept = keepRunningUntil !== null && Date.parse(keepRunningUntil) > now;
  const notice = idleNotice(environment, now);
  return (
    <>
      {notice !== undefined && <Menu.Label>{notice.text}</Menu.Label>}
      <ReasonedMenuItem
        Icon={IconMoon}
        problem={environmentActionProblem(status, 'sleep') ?? cannotSleep}
        onClick={() => onCommand('sleep')}
      >
        Sleep now
      </ReasonedMenuItem>
      <ReasonedMenuItem Icon={IconPlayerPause} problem={stopProblem} onClick={() => onCommand('stop')}>
        {stopWord(status)} now
      </ReasonedMenuItem>
      {pausesWhenIdle ? (
        <ReasonedMenuItem Icon={IconClockPlay} problem={keepProblem} onClick={() => onCommand('keepRunning', null)}>
          Do not pause when this cell ends
        </ReasonedMenuItem>
      ) : (
        <ReasonedMenuItem
          Icon={IconClockPause}
          problem={
            environmentActionProblem(status, 'keepRunning') ??
            (busyReasons.length === 0 ? 'Nothing runs now: pause it at once.' : undefined)
          }
          onClick={() => onCommand('stopWhenIdle')}
        >
          Pause when this cell ends
        </ReasonedMenuItem>
      )}
      <Menu.Divider />
      {keepRunningChoices(now).map(({ title, until }) => (
        <ReasonedMenuItem
          key={title}
          Icon={IconClockPlay}
          problem={keepProblem}
          onClick={() => onCommand('keepRunning', until)}
        >
          {title}
        </ReasonedMenuItem>
      ))}
      {isKept && (
        <ReasonedMenuItem Icon={IconClockPause} problem={keepProblem} onClick={() => onCommand('keepRunning', null)}>
          Take back: kept until {clockTime(keepRunningUntil, now)}
        </ReasonedMenuItem>
      )}
    </>
  );
}

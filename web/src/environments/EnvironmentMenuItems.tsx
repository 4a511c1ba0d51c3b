import { Menu, Tooltip } from '@mantine/core';
import { environmentActionProblem, type Environment } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { IconClockPause, IconClockPlay, IconMoon, IconPlayerPause, type Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useNow } from '../ui/clock.ts';
import { disabledBecause } from '../ui/Hint.tsx';
import type { EnvironmentCommand } from './actions.ts';
import { clockTime, idleNotice, keepRunningChoices } from './idle.ts';
import { stopWord } from './main-action.ts';
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
      <Item
        Icon={IconMoon}
        problem={environmentActionProblem(status, 'sleep') ?? cannotSleep}
        onClick={() => onCommand('sleep')}
      >
        Sleep now
      </Item>
      <Item Icon={IconPlayerPause} problem={stopProblem} onClick={() => onCommand('stop')}>
        {stopWord(status)} now
      </Item>
      {pausesWhenIdle ? (
        <Item Icon={IconClockPlay} problem={keepProblem} onClick={() => onCommand('keepRunning', null)}>
          Do not pause when this cell ends
        </Item>
      ) : (
        <Item
          Icon={IconClockPause}
          problem={
            environmentActionProblem(status, 'keepRunning') ??
            (busyReasons.length === 0 ? 'Nothing runs now: pause it at once.' : undefined)
          }
          onClick={() => onCommand('stopWhenIdle')}
        >
          Pause when this cell ends
        </Item>
      )}
      <Menu.Divider />
      {keepRunningChoices(now).map(({ title, until }) => (
        <Item key={title} Icon={IconClockPlay} problem={keepProblem} onClick={() => onCommand('keepRunning', until)}>
          {title}
        </Item>
      ))}
      {isKept && (
        <Item Icon={IconClockPause} problem={keepProblem} onClick={() => onCommand('keepRunning', null)}>
          Take back: kept until {clockTime(keepRunningUntil, now)}
        </Item>
      )}
    </>
  );
}

interface ItemProps {
  Icon: Icon;
  problem: string | undefined;
  onClick: () => void;
  children: ReactNode;
}

function Item({ Icon, problem, onClick, children }: ItemProps) {
  return (
    <Tooltip label={problem ?? ''} disabled={problem === undefined} position="left">
      <Menu.Item leftSection={<Icon size={16} aria-hidden />} {...disabledBecause(problem, onClick)}>
        {children}
      </Menu.Item>
    </Tooltip>
  );
}

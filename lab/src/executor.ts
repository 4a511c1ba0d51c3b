import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookCellExecutor, runCell } from '@jupyterlab/notebook';

export const executorPlugin: JupyterFrontEndPlugin<INotebookCellExecutor> = {
  id: 'terrarium:executor',
  description: 'Runs cells, starting the environment first when it is paused.',
  autoStart: true,
  provides: INotebookCellExecutor,
  activate: () => ({ runCell }),
};
